"""A desk before the simulated model, reached by the real client over loopback, and an ear for what it tells."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import date
from decimal import Decimal
from itertools import count
from typing import Any

from bot.config.overseer import OverseerSettings
from bot.domain.overseer import ModelTask
from bot.overseer.desk import ModelQuestion, OverseerDesk
from bot.overseer.model import Claude
from bot.overseer.prompts import Quoted
from bot.sim.services.cast import SIMULATED_SECRETS
from bot.sim.services.model import ModelMode
from tests.contracts.service_sites import Site, services

DAY = date(2026, 11, 20)
KEY = str(SIMULATED_SECRETS["anthropic_api_key"])
FACTS: Mapping[str, Any] = {
    "now": "10:30:00", "session": "active", "equity_usd": "100000", "positions_held": 2, "strategy": "zero_dte_gamma",
    "contract": "SPY 590C 20 Nov", "quantity": 4, "entry_price": "1.25",
    "why_reviewed": ["premium is 2.40 % of equity"],
    "findings": {"OVERSEER_DATA_STALE:spot_gex:SPY": {"severity": "warning", "words": "spot_gex is 95 s old"}},
}  # fmt: skip


_OPEN: list[Claude] = []


@asynccontextmanager
async def at_the_model() -> AsyncIterator[Site]:
    """Running services; the clients that were made before them are closed before they stop."""
    async with services() as site:
        try:
            yield site
        finally:
            while _OPEN:
                await _OPEN.pop().close()


class Told:
    """Keeps what was said to the bot."""

    def __init__(self) -> None:
        self.rows: list[tuple[str, Mapping[str, Any]]] = []

    async def tell(self, kind: str, payload: Mapping[str, Any]) -> str:
        self.rows.append((kind, payload))
        return f"row-{len(self.rows)}"

    @property
    def verdicts(self) -> list[Mapping[str, Any]]:
        return [payload for kind, payload in self.rows if kind == "verdict"]

    @property
    def alerts(self) -> list[str]:
        return [payload["code"] for kind, payload in self.rows if kind == "alert"]


def settings(**given: Any) -> OverseerSettings:
    return OverseerSettings.model_validate(given)


def desk_at(site: Site | None, mode: ModelMode = ModelMode.RULES, **given: Any) -> tuple[OverseerDesk, Told]:
    """Return a desk and what it tells; without a site there is no key. Between two questions its time goes on by
    hours, so that a model that failed is asked again."""
    told, wanted = Told(), settings(**given)
    model = None
    if site is not None:
        site.services.anthropic.model.mode = mode
        model = Claude(wanted, site.url("anthropic"), KEY)
        _OPEN.append(model)
    steps = count(0, 10_000)
    desk = OverseerDesk(wanted, model, told, steady_s=lambda: float(next(steps)))
    desk.begin(DAY, Decimal(0))
    return desk, told


def question(task: ModelTask, *quoted: str, **more: Any) -> ModelQuestion:
    texts = tuple(Quoted("headlines", text) for text in quoted)
    return ModelQuestion(task, "subject", {**FACTS, **more}, texts)
