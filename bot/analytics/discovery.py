"""Numbers that measures go by, found in the market's own past; each with its evidence, or with why it falls back.

- VPIN bucket, shares: the sizes of the latest prints in five clusters (Lloyd on the logarithm, from the quantiles), the
  geometric middle of the third one
- look-back, bars: the largest lag at which the autocorrelation of log returns is beyond 2/sqrt(n), Bartlett's bound
  (G. Box, G. Jenkins, "Time Series Analysis", 2.1), at most a cap
- toxicity of a maker: 0.3 where its mean print is below 100, 0.4 where its name is a known one, -0.1 where it buys 0.8
  to 1.2 of what it sells; in [0, 1]
- volatility bounds, a year: 33rd and 67th percentile of the standard deviation of log returns in windows of 20 bars,
  step 5, times the square root of the bars of a year
- correlation: Pearson's, of the log returns of the latest common bars

A return over a gap (a night, a halt) is none. Too few data, and a value outside its bounds, are named and never used.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import pairwise
from statistics import fmean, stdev
from typing import Any, Final

from bot.config.discovery import DiscoverySettings, bounds_of
from bot.domain.bars import PriceBar
from bot.domain.quotes import TradePrint

CLUSTERS: Final = 5
_ROUNDS: Final = 100
WINDOW: Final = 20
STEP: Final = 5
_LOW, _HIGH = 33, 67
_SESSIONS: Final = 252
_SESSION_S: Final = 23_400
_SMALL: Final = 100.0
_BALANCED: Final = (0.8, 1.2)


@dataclass(frozen=True, slots=True)
class DiscoveredNumber:
    """A number that was looked for. `value` None: it falls back to `default`, and `why` says for what reason."""

    name: str
    value: float | None
    default: float
    why: str
    evidence: Mapping[str, Any] = field(default_factory=dict)

    @property
    def used(self) -> float:
        return self.default if self.value is None else self.value


@dataclass(frozen=True, slots=True)
class MakerSeen:
    """A market maker or venue: its prints, shares in the mean, bought over sold (None: none sold), and its toxicity."""

    name: str
    prints: int
    mean_size: float
    balance: float | None
    toxicity: float
    fast: bool


def vpin_bucket(sizes: Sequence[int], settings: DiscoverySettings) -> DiscoveredNumber:
    """Return the volume of a VPIN bucket from the sizes of prints in shares, the latest last."""
    name, default = "vpin_bucket", float(settings.vpin_bucket)
    latest = [size for size in sizes if size > 0][-settings.most_prints :]
    if len(latest) < settings.fewest_prints:
        return DiscoveredNumber(name, None, default, f"{len(latest)} prints, {settings.fewest_prints} are needed",
                                {"prints": len(latest)})  # fmt: skip
    clusters = size_clusters(latest)
    evidence = {"prints": len(latest), "clusters": [{"size": size, "prints": count} for size, count in clusters]}
    if len(clusters) < CLUSTERS:
        return DiscoveredNumber(name, None, default, f"the sizes make {len(clusters)} clusters of {CLUSTERS}", evidence)
    return _bounded(name, round(clusters[CLUSTERS // 2][0]), default, evidence, settings)


def size_clusters(sizes: Sequence[int]) -> list[tuple[float, int]]:
    """Return the clusters of sizes, the smallest first: geometric middle and count. Fewer than CLUSTERS where there are
    fewer different sizes. Lloyd's algorithm on the logarithms; it begins at the quantiles of the different sizes, so
    that the same sizes give the same clusters."""
    counts: dict[int, int] = {}
    for size in sizes:
        counts[size] = counts.get(size, 0) + 1
    points = sorted((math.log(size), count) for size, count in counts.items())
    if len(points) < CLUSTERS:
        return [(math.exp(at), count) for at, count in points]
    centres = [points[(2 * k + 1) * len(points) // (2 * CLUSTERS)][0] for k in range(CLUSTERS)]
    for _ in range(_ROUNDS):
        groups = _nearest(points, centres)
        moved = [_middle(group, centre) for group, centre in zip(groups, centres, strict=True)]
        if moved == centres:
            break
        centres = moved
    groups = _nearest(points, centres)
    return [
        (math.exp(centre), sum(count for _, count in group))
        for centre, group in zip(centres, groups, strict=True)
        if group
    ]


def _nearest(points: Sequence[tuple[float, int]], centres: Sequence[float]) -> list[list[tuple[float, int]]]:
    groups: list[list[tuple[float, int]]] = [[] for _ in centres]
    for point in points:
        groups[min(range(len(centres)), key=lambda k: abs(point[0] - centres[k]))].append(point)
    return groups


def _middle(group: Sequence[tuple[float, int]], otherwise: float) -> float:
    weight = sum(count for _, count in group)
    return math.fsum(at * count for at, count in group) / weight if weight else otherwise


def lookback(bars: Sequence[PriceBar], settings: DiscoverySettings) -> DiscoveredNumber:
    """Return over how many bars the past still says something, from bars of one length, oldest first."""
    name, default = "lookback", float(settings.lookback)
    if len(bars) < settings.fewest_bars:
        return DiscoveredNumber(name, None, default, f"{len(bars)} bars, {settings.fewest_bars} are needed",
                                {"bars": len(bars)})  # fmt: skip
    values = [each for each in log_returns(bars) if each is not None]
    bound = 2 / math.sqrt(len(values)) if values else math.inf
    found = autocorrelation(values, settings.lags)
    telling = [lag for lag, rho in enumerate(found, 1) if abs(rho) > bound]
    evidence = {"bars": len(bars), "returns": len(values), "bound": round(bound, 6), "lags": telling}
    if not telling:
        return DiscoveredNumber(name, None, default, f"no lag to {settings.lags} is beyond the bound", evidence)
    return _bounded(name, min(telling[-1], settings.lookback_most), default, evidence, settings)


def autocorrelation(values: Sequence[float], lags: int) -> list[float]:
    """Return the autocorrelation at lags 1 to `lags` (fewer where the series is too short); none of a constant one.

    rho(k) = sum((x(t) - m)(x(t+k) - m)) / sum((x(t) - m)^2), with the mean m of the whole series.
    """
    if len(values) < 2:
        return []
    mean = fmean(values)
    apart = [value - mean for value in values]
    whole = math.fsum(each * each for each in apart)
    if whole <= 0:
        return []
    most = min(lags, len(values) - 1)
    return [math.fsum(a * b for a, b in zip(apart, apart[lag:], strict=False)) / whole for lag in range(1, most + 1)]


def log_returns(bars: Sequence[PriceBar]) -> list[float | None]:
    """Return the log return of each bar on the one before; None over a gap, or where a price is none."""
    found: list[float | None] = []
    for before, after in pairwise(bars):
        whole = (after.at - before.at).total_seconds() <= 1.5 * before.seconds
        priced = before.close > 0 and after.close > 0
        found.append(math.log(after.close / before.close) if whole and priced else None)
    return found


def volatility_bounds(
    bars: Sequence[PriceBar], settings: DiscoverySettings
) -> tuple[DiscoveredNumber, DiscoveredNumber]:
    """Return below what volatility, a year, a window is a quiet one and above what a wild one."""
    low, high = settings.low_volatility, settings.high_volatility
    windows = _windows(bars) if len(bars) >= settings.fewest_bars else []
    evidence = {"bars": len(bars), "windows": len(windows)}
    if len(windows) < WINDOW // STEP:
        why = f"{len(bars)} bars with {len(windows)} whole windows of {WINDOW} are too few"
        return (DiscoveredNumber("low", None, low, why, evidence), DiscoveredNumber("high", None, high, why, evidence))
    found = [percentile(windows, each) for each in (_LOW, _HIGH)]
    if found[0] <= 0:
        why = "a price that does not move has no volatility"
        return (DiscoveredNumber("low", None, low, why, evidence), DiscoveredNumber("high", None, high, why, evidence))
    return (
        DiscoveredNumber("low", found[0], low, "", evidence),
        DiscoveredNumber("high", found[1], high, "", evidence),
    )


def _windows(bars: Sequence[PriceBar]) -> list[float]:
    values = log_returns(bars)
    a_year = math.sqrt(_SESSIONS * _SESSION_S / bars[0].seconds)
    starts = range(0, len(values) - WINDOW + 1, STEP)
    whole = [part for start in starts if None not in (part := values[start : start + WINDOW])]
    return [stdev([each for each in part if each is not None]) * a_year for part in whole]


def percentile(values: Sequence[float], at: float) -> float:
    """Return a percentile (0 to 100) of values, linear between two of them (R. Hyndman, Y. Fan 1996, type 7)."""
    ordered = sorted(values)
    place = (len(ordered) - 1) * at / 100
    below = math.floor(place)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (ordered[above] - ordered[below]) * (place - below)


def correlations(
    bars: Mapping[str, Sequence[PriceBar]], settings: DiscoverySettings
) -> tuple[dict[str, float], dict[str, str]]:
    """Return the correlation of each pair of symbols, `QQQ SPY`, over their latest common bars; and why others have
    none."""
    found, missing = {}, {}
    returns = {symbol: _by_time(series) for symbol, series in bars.items()}
    names = sorted(returns)
    for number, one in enumerate(names):
        for other in names[number + 1 :]:
            common = sorted(returns[one].keys() & returns[other].keys())[-settings.correlation_bars :]
            pair = f"{one} {other}"
            if len(common) < settings.correlation_bars:
                missing[pair] = f"{len(common)} common bars, {settings.correlation_bars} are needed"
                continue
            rho = _pearson([returns[one][at] for at in common], [returns[other][at] for at in common])
            if rho is None:
                missing[pair] = "one of the two did not move"
            else:
                found[pair] = round(rho, 4)
    return found, missing


def _by_time(bars: Sequence[PriceBar]) -> dict[datetime, float]:
    return {bar.at: value for bar, value in zip(bars[1:], log_returns(bars), strict=True) if value is not None}


def _pearson(one: Sequence[float], other: Sequence[float]) -> float | None:
    mean_a, mean_b = fmean(one), fmean(other)
    together = math.fsum((a - mean_a) * (b - mean_b) for a, b in zip(one, other, strict=True))
    apart = math.fsum((a - mean_a) ** 2 for a in one) * math.fsum((b - mean_b) ** 2 for b in other)
    return None if apart <= 0 else max(-1.0, min(1.0, together / math.sqrt(apart)))


def makers(prints: Sequence[TradePrint], settings: DiscoverySettings) -> list[MakerSeen]:
    """Return the makers (venues, where prints name those) of enough prints, the fastest first."""
    by_name: dict[str, list[tuple[int, int]]] = {}
    for each, side in zip(prints, sides(prints), strict=True):
        if each.exchange and each.size > 0:
            by_name.setdefault(each.exchange, []).append((each.size, side))
    judged = [_maker(name, own, settings) for name, own in by_name.items() if len(own) >= settings.fewest_maker_prints]
    return sorted(judged, key=lambda maker: (-maker.toxicity, maker.name))


def _maker(name: str, prints: Sequence[tuple[int, int]], settings: DiscoverySettings) -> MakerSeen:
    bought = sum(size for size, side in prints if side > 0)
    sold = sum(size for size, side in prints if side < 0)
    mean_size, balance = fmean(size for size, _ in prints), bought / sold if sold else None
    score = toxicity(mean_size, balance, known=name in settings.fast_makers)
    return MakerSeen(name, len(prints), mean_size, balance, score, score > float(settings.fast_above))


def toxicity(mean_size: float, balance: float | None, *, known: bool) -> float:
    """Return how fast a maker seems, 0 to 1."""
    balanced = balance is not None and _BALANCED[0] <= balance <= _BALANCED[1]
    score = 0.3 * (mean_size < _SMALL) + 0.4 * known - 0.1 * balanced
    return round(min(max(score, 0.0), 1.0), 4)


def sides(prints: Sequence[TradePrint]) -> list[int]:
    """Return who was in a hurry, print by print: 1 a buyer, -1 a seller, 0 unknown. By the quote where it is known and
    the price is off its middle, else by the last different price (C. Lee, M. Ready 1991)."""
    found, last, direction = [], None, 0
    for each in prints:
        if last is not None and each.price != last:
            direction = 1 if each.price > last else -1
        last = each.price
        middle = (each.bid + each.ask) / 2 if each.bid is not None and each.ask is not None else None
        off = middle is not None and each.price != middle
        found.append((1 if each.price > middle else -1) if off and middle is not None else direction)
    return found


def _bounded(
    name: str, value: float, default: float, evidence: Mapping[str, Any], settings: DiscoverySettings
) -> DiscoveredNumber:
    least, most = bounds_of(name, settings)
    if not least <= value <= most:
        why = f"refused: {value:g} is outside {least:g} to {most:g}"
        return DiscoveredNumber(name, None, default, why, {**evidence, "refused": value})
    return DiscoveredNumber(name, float(value), default, "", evidence)
