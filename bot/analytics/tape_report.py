"""What the measures of the order book say of a labelled tape: hidden orders, VPIN, and whether the book's lean was
right."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from bot.analytics.hidden import HiddenScore, inside_rule, naive_rule, score
from bot.analytics.toxicity import Classified, FlowToxicity
from bot.domain.quotes import Quote, TradePrint


@dataclass(frozen=True, slots=True)
class TapeEvent:
    """One message of a book: the best quotes before and after it, and the trade that it was, if it was one, with the
    label whether it met a hidden order."""

    before: Quote
    after: Quote
    trade: TradePrint | None = None
    hidden: bool = False


@dataclass(frozen=True, slots=True)
class TapeReport:
    """`naive`, `better`: the two rules for hidden orders, in prints. `vpin`, `vpin_bulk`: 0 to 1 at the end, None below
    ten trades. `moves`: how often mid changed under a book that leaned; `right`: how often to the side it leaned to."""

    events: int
    prints: int
    hidden: int
    naive: HiddenScore
    better: HiddenScore
    vpin: float | None
    vpin_bulk: float | None
    moves: int
    right: int


def tape_report(events: Iterable[TapeEvent], bucket: int) -> TapeReport:
    """Return what a tape comes to; `bucket`: shares of a bucket of VPIN."""
    labelled: list[tuple[TradePrint, Quote, bool]] = []
    by_quote, in_bulk = FlowToxicity(bucket), FlowToxicity(bucket, classified=Classified.BULK)
    seen = moves = right = 0
    for event in events:
        seen += 1
        if event.trade is not None:
            labelled.append((event.trade, event.before, event.hidden))
            by_quote.take((event.trade,))
            in_bulk.take((event.trade,))
        pointed, moved = event.before.bid_size - event.before.ask_size, _moved(event)
        if pointed and moved:
            moves += 1
            right += (pointed > 0) == (moved > 0)
    hidden = sum(label for _, _, label in labelled)
    rules = score(labelled, naive_rule), score(labelled, inside_rule)
    return TapeReport(seen, len(labelled), hidden, *rules, by_quote.value(), in_bulk.value(), moves, right)


def _moved(event: TapeEvent) -> int:
    before, after = event.before.mid, event.after.mid
    return 0 if before is None or after is None else (after > before) - (after < before)
