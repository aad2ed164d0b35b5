"""Are stated probabilities what they say? Reliability by buckets, the Brier score, and sizes against what came.

- bucket: forecasts whose probability lies in [low, high), the last one including 1; its mean statement beside the
  share that came true, with Wilson's 95 % interval (E. Wilson, "Probable inference", JASA 22, 1927)
- Brier score: mean (p - o)^2, 0 is perfect and 0.25 what always saying one half has (G. Brier, 1950)
- skill: 1 - Brier / (o (1 - o)) of always stating the share that came true; above 0 the statements add something
- sizes: realized over implied; the mean and, by Student's t, its 95 % interval, and the share that moved further than
  was implied. For a normal move that a straddle prices rightly, E|x| is the straddle: the mean is 1
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean, stdev
from typing import Final

BUCKETS: Final = 10
Z: Final = 1.959963984540054
"""The 97.5th percentile of the normal distribution."""

Interval = tuple[float, float]


@dataclass(frozen=True, slots=True)
class ReliabilityBucket:
    """Of the forecasts between two probabilities: how many, what they stated in the mean, what share came true."""

    low: float
    high: float
    count: int
    stated: float
    came: float
    interval: Interval

    @property
    def is_within(self) -> bool:
        """Whether what was stated is within what the outcomes allow."""
        return self.interval[0] <= self.stated <= self.interval[1]


@dataclass(frozen=True, slots=True)
class Reliability:
    """Of probabilities that were settled: by bucket and together. `skill` None where all came, or none did."""

    count: int
    stated: float
    came: float
    brier: float
    skill: float | None
    buckets: tuple[ReliabilityBucket, ...]


@dataclass(frozen=True, slots=True)
class MovesCalibrated:
    """Of sizes that were settled: realized over implied. `interval` None of fewer than two."""

    count: int
    mean: float
    interval: Interval | None
    beyond: float


def wilson(hits: int, of: int) -> Interval:
    """Return Wilson's 95 % interval of a share; the whole of [0, 1] of nothing."""
    if of <= 0:
        return 0.0, 1.0
    share, square = hits / of, Z * Z
    middle = (share + square / (2 * of)) / (1 + square / of)
    half = Z / (1 + square / of) * math.sqrt(share * (1 - share) / of + square / (4 * of * of))
    return (0.0 if hits == 0 else max(0.0, middle - half)), (1.0 if hits == of else min(1.0, middle + half))


def mean_interval(values: Sequence[float]) -> Interval | None:
    """Return Student's 95 % interval of a mean; None of fewer than two values."""
    if len(values) < 2:
        return None
    half = student_quantile(len(values) - 1) * stdev(values) / math.sqrt(len(values))
    middle = fmean(values)
    return middle - half, middle + half


def student_quantile(degrees: int) -> float:
    """Return the 97.5th percentile of Student's t: exact for 1 and 2 degrees of freedom, else by the expansion around
    the normal (M. Abramowitz, I. Stegun, 26.7.5), right to 0.4 % from 3 on."""
    if degrees == 1:
        return 12.706204736
    if degrees == 2:
        return 4.30265273
    z, n = Z, float(degrees)
    return (
        z
        + (z**3 + z) / (4 * n)
        + (5 * z**5 + 16 * z**3 + 3 * z) / (96 * n**2)
        + (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / (384 * n**3)
        + (79 * z**9 + 776 * z**7 + 1482 * z**5 - 1920 * z**3 - 945 * z) / (92160 * n**4)
    )


def reliability(settled: Sequence[tuple[float, float]], buckets: int = BUCKETS) -> Reliability | None:
    """Return how reliable probabilities were: pairs of what was stated (0 to 1) and what came (1 or 0). None without
    any; a statement that is no probability is left out."""
    known = [(p, o) for p, o in settled if 0 <= p <= 1]
    if not known:
        return None
    came, brier = fmean(o for _, o in known), fmean((p - o) ** 2 for p, o in known)
    apart = came * (1 - came)
    skill = 1 - brier / apart if apart > 0 else None
    groups: list[list[tuple[float, float]]] = [[] for _ in range(buckets)]
    for p, o in known:
        groups[min(int(p * buckets), buckets - 1)].append((p, o))
    found = [_bucket(number, buckets, group) for number, group in enumerate(groups) if group]
    return Reliability(len(known), fmean(p for p, _ in known), came, brier, skill, tuple(found))


def _bucket(number: int, buckets: int, group: Sequence[tuple[float, float]]) -> ReliabilityBucket:
    hits = round(sum(o for _, o in group))
    return ReliabilityBucket(
        number / buckets, (number + 1) / buckets, len(group), fmean(p for p, _ in group), hits / len(group),
        wilson(hits, len(group)),
    )  # fmt: skip


def moves_calibrated(ratios: Sequence[float]) -> MovesCalibrated | None:
    """Return what realized over implied moves say together; None without any."""
    known = [ratio for ratio in ratios if math.isfinite(ratio) and ratio >= 0]
    if not known:
        return None
    return MovesCalibrated(len(known), fmean(known), mean_interval(known), sum(r > 1 for r in known) / len(known))
