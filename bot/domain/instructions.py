"""What the engine asks of the world, in the imperative; the dispatcher carries it out after the commit, and only
then."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from bot.domain.order import OrderTicket


@dataclass(frozen=True, slots=True)
class SubmitOrder:
    ticket: OrderTicket


@dataclass(frozen=True, slots=True)
class AmendOrder:
    """Send the order again under its own id with new terms."""

    ticket: OrderTicket


@dataclass(frozen=True, slots=True)
class CancelOrder:
    order_ref: str
    order_id: int


@dataclass(frozen=True, slots=True)
class AskWhatIf:
    """Ask the broker for the margin effect of a signal's order; the answer names the signal."""

    signal_id: str
    ticket: OrderTicket


@dataclass(frozen=True, slots=True)
class AskSnapshot:
    """Ask for the broker's whole book."""

    reason: str


@dataclass(frozen=True, slots=True)
class Subscribe:
    """The market data lines wanted from now on, most important first: keys with the kinds wanted of each.

    Kinds: "quote" (with greeks for options), "book" (10 levels), "trades", "bars" (of five seconds). What is not named
    is given up. `held`: keys of positions and of what they are written on; their lines go to nobody else. `chain`:
    options around the money, the nearest first, of which quotes are to be seen: after everything in `wanted` by a line
    where there is room for it, else by a snapshot now and then.
    """

    wanted: Mapping[str, frozenset[str]]
    held: frozenset[str] = field(default=frozenset(), compare=False)
    chain: tuple[str, ...] = field(default=(), compare=False)


@dataclass(frozen=True, slots=True)
class AskHours:
    """Ask the broker for the trading hours of these contracts."""

    keys: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class AskChains:
    """Ask the broker which options it lists on these underlyings."""

    symbols: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class AskQuotes:
    """Ask the broker once for the quote of each of these contracts; no line is held for them."""

    keys: tuple[str, ...]


Question = AskSnapshot | AskHours | AskChains | AskQuotes
Instruction = SubmitOrder | AmendOrder | CancelOrder | AskWhatIf | Subscribe | Question
