"""What a benchmark says, and how a list of numbers is summed up."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Result:
    """One measured line: what, the figures in words, the figure that counts and what we aim at."""

    name: str
    figures: str
    measured: str
    aim: str
    met: bool


def percentile(values: Sequence[float], fraction: float) -> float:
    """Return the value below which `fraction` of the sorted values lie."""
    ordered = sorted(values)
    return ordered[min(int(len(ordered) * fraction), len(ordered) - 1)]


def median(values: Sequence[float]) -> float:
    return percentile(values, 0.5)
