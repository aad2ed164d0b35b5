"""What is said of a trade: bought, sold in part, closed. On, without a sound, or not at all (`alerts.trades`)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, Final

from bot.domain.position import Position
from bot.domain.wording import contract_words, dollars, price
from bot.engine.outbox.draft import APPROVERS, Draft

if TYPE_CHECKING:
    from bot.engine.outbox.speech import Said

KIND: Final = "trade"
_CHANNELS: Final = ("telegram", "discord", "discord_webhook", "webhook")


def bought(said: Said) -> Iterable[Draft]:
    """A position was born by its first fill."""
    position = said.entity
    if isinstance(position, Position):
        stop = "" if position.stop_price is None else f", stop {price(position.stop_price)}"
        what = f"Bought {position.quantity} x {_name(said, position)} at {price(position.entry_price)}{stop}"
        yield from _told(said, position, "opened", what)


def sold(said: Said) -> Iterable[Draft]:
    """A part of it was sold."""
    position = said.entity
    if isinstance(position, Position):
        done = f"{position.exit_quantity}"
        yield from _told(said, position, f"sold:{done}", f"{_name(said, position)}: {said.row.reason}")


def closed(said: Said) -> Iterable[Draft]:
    """Nothing is left of it."""
    position = said.entity
    if isinstance(position, Position):
        why = f", {position.close_reason.value.replace('_', ' ')}" if position.close_reason is not None else ""
        made = dollars(position.realized_pnl, plus=True)
        yield from _told(said, position, "closed", f"Closed {_name(said, position)}{why}: realized {made}")


def _name(said: Said, position: Position) -> str:
    return contract_words(position.contract, said.ctx.trading.day)


def _told(said: Said, position: Position, what: str, words: str) -> Iterable[Draft]:
    mode = said.ctx.settings.alerts.trades
    if mode == "off":
        return ()
    extra: dict[str, Any] = {"level": "info", "code": "TRADE", "subject": words, "position_id": position.id}
    if mode == "silent":
        extra["silent"] = True
    key = f"trade:{position.id}:{what}:{said.row.trigger}"
    return (Draft(key, KIND, words, extra, channels=_CHANNELS, roles=APPROVERS, position_id=position.id),)
