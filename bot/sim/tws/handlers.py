"""The register of request handlers, and what several of them need."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, TypeVar

from bot.sim.tws.contracts import is_specific, lookup
from bot.sim.tws.requests import ContractQuery, WireRequest
from bot.sim.tws.session import ClientSession
from bot.sim.tws.tickets import AMBIGUOUS, NO_DEFINITION
from bot.sim.vocabulary import VenueInstrument

R = TypeVar("R", bound=WireRequest)
Handler = Callable[[ClientSession, R], None]

HANDLERS: Final[dict[type[WireRequest], Handler[Any]]] = {}


def answers(kind: type[R]) -> Callable[[Handler[R]], Handler[R]]:
    """Register the decorated function as what answers requests of `kind`."""

    def register(handler: Handler[R]) -> Handler[R]:
        HANDLERS[kind] = handler
        return handler

    return register


def resolve(session: ClientSession, req_id: int, query: ContractQuery) -> VenueInstrument | None:
    """Return the one instrument a data request is for; otherwise the client gets error 200 and the answer is None."""
    found = lookup(session.face.market, query) if is_specific(query) else []
    if len(found) == 1:
        return found[0]
    refusal = AMBIGUOUS if found else NO_DEFINITION
    session.error(req_id, refusal.code, refusal.text)
    return None


def invalid(session: ClientSession, req_id: int, cause: str) -> None:
    """Answer a request whose content makes no sense (321)."""
    session.error(req_id, 321, f"Error validating request: {cause}")
