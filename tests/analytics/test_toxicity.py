"""VPIN: as a plain reading of the paper has it, bounded, and as cheap after many trades as after few."""

import math
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from random import Random
from statistics import NormalDist

import pytest

from bot.analytics.toxicity import Classified, FlowToxicity
from bot.domain.quotes import TradePrint

NOW = datetime(2026, 11, 20, 15, 0, tzinfo=UTC)


def tape(seed: int, count: int = 80) -> list[TradePrint]:
    random, cents, found = Random(seed), 10_000, []
    for n in range(count):
        cents += random.choice((-1, 0, 0, 1))
        quoted = random.random() < 0.7
        bid = Decimal(cents - random.choice((0, 1, 2))) / 100 if quoted else None
        ask = bid + Decimal(2) / 100 if bid is not None else None
        size = random.choice((1, 7, 50, 100, 333, 9000))
        found.append(TradePrint(Decimal(cents) / 100, size, NOW + timedelta(seconds=n), bid, ask))
    return found


def plain(trades: list[TradePrint], bucket: int, buckets: int, classified: Classified) -> float:
    """Share by share, bucket by bucket, with everything kept."""
    shares: list[float] = []
    prices: list[float] = []
    side, last = 0, None
    for trade in trades:
        middle = None if trade.bid is None or trade.ask is None else (trade.bid + trade.ask) / 2
        if middle is not None and trade.price != middle:
            side = 1 if trade.price > middle else -1
        elif last is not None and trade.price != last:
            side = 1 if trade.price > last else -1
        last = trade.price
        shares += [{1: 1.0, -1: 0.0, 0: 0.5}[side]] * trade.size
        prices += [float(trade.price)] * trade.size
    full = len(shares) // bucket
    bought = [sum(shares[n * bucket : (n + 1) * bucket]) / bucket for n in range(full)]
    if classified is Classified.BULK:
        ends = [prices[(n + 1) * bucket - 1] for n in range(full)]
        changes = [after - before for before, after in pairwise(ends)]
        bought = [0.5]
        for n, change in enumerate(changes, 1):
            deviation = math.sqrt(sum(each * each for each in changes[:n]) / n)
            bought.append(0.5 if deviation == 0 else NormalDist().cdf(change / deviation))
    last_ones = [abs(2 * each - 1) for each in bought][-buckets:]
    return sum(last_ones) / len(last_ones)


@pytest.mark.parametrize("classified", list(Classified))
@pytest.mark.parametrize("bucket, buckets", [(100, 50), (50, 3), (337, 20)])
def test_it_says_what_a_plain_reading_of_the_paper_says(classified: Classified, bucket: int, buckets: int) -> None:
    for seed in range(3):
        trades = tape(seed)
        measured = FlowToxicity(bucket, buckets, classified)
        measured.take(trades)
        assert measured.value() == pytest.approx(plain(trades, bucket, buckets, classified), abs=1e-9)


def test_one_side_alone_is_all_toxic_and_both_alike_are_not_at_all() -> None:
    def traded(sides: str) -> FlowToxicity:
        found = FlowToxicity(100, 50)
        bid, ask = Decimal("99.99"), Decimal("100.01")
        found.take([TradePrint(ask if side == "b" else bid, 50, NOW, bid, ask) for side in sides])
        return found

    assert traded("b" * 40).value() == 1.0
    assert traded("b" * 40).value(1.0) == 1.0, "capped"
    assert traded("bs" * 20).value() == 0.0
    mixed = traded("bbbs" * 10)
    assert mixed.value() == pytest.approx(0.5)
    assert mixed.value(1.0) == pytest.approx(0.65)


def test_few_trades_and_those_that_are_none_say_nothing() -> None:
    measured = FlowToxicity()
    measured.take(tape(1, 9))
    assert measured.value() is None
    measured.take([TradePrint(Decimal("NaN"), 100, NOW), TradePrint(Decimal(100), 0, NOW)])
    assert (measured.trades, measured.value()) == (9, None)
    assert FlowToxicity().value() is None
    with pytest.raises(ValueError, match="bucket"):
        FlowToxicity(0)


def test_a_trade_costs_the_same_however_many_came_before() -> None:
    class Counted(FlowToxicity):
        steps = 0

        def _close(self, price: float) -> None:
            self.steps += 1
            super()._close(price)

    def steps_of_one_more(before: int) -> int:
        found = Counted(100, 50)
        found.take([TradePrint(Decimal(100), 100, NOW)] * before)
        counted = found.steps
        found.take([TradePrint(Decimal(101), 100, NOW)])
        return found.steps - counted

    assert steps_of_one_more(20) == steps_of_one_more(20_000) == 1
