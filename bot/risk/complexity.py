"""When a signal is complex, so that the overseer looks at it before it is traded: a condition is a line."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from bot.config.overseer import ReviewSettings


@dataclass(frozen=True, slots=True)
class ComplexityView:
    """What the conditions may know. `premium_fraction`: the full premium of equity. `opposed`: strategies that hold or
    propose the other right on the same symbol. `events`: what is due before its exit (earnings, a HIGH event)."""

    premium_fraction: Decimal
    days_to_expiry: int
    opposed: Sequence[str] = ()
    events: Sequence[str] = ()
    confidence: float | None = None
    first_after_enabling: bool = False


Condition = Callable[[ComplexityView, ReviewSettings], str]
"""Returns in words what makes the signal complex; empty: nothing."""


def _premium(view: ComplexityView, settings: ReviewSettings) -> str:
    if view.premium_fraction <= settings.premium_fraction:
        return ""
    return f"premium is {view.premium_fraction * 100:.2f} % of equity, above {settings.premium_fraction * 100:.2f} %"


def _overnight(view: ComplexityView, _: ReviewSettings) -> str:
    return f"held overnight: it expires in {view.days_to_expiry} days" if view.days_to_expiry > 0 else ""


def _event(view: ComplexityView, _: ReviewSettings) -> str:
    return f"before its exit: {', '.join(view.events)}" if view.events else ""


def _disagreement(view: ComplexityView, _: ReviewSettings) -> str:
    return f"{', '.join(view.opposed)} stands on the other side of the symbol" if view.opposed else ""


def _confidence(view: ComplexityView, settings: ReviewSettings) -> str:
    said = view.confidence
    if said is None or not settings.confidence_from <= said <= settings.confidence_to:
        return ""
    return f"confidence is {said:g}, between {settings.confidence_from:g} and {settings.confidence_to:g}"


def _first(view: ComplexityView, _: ReviewSettings) -> str:
    return "the first trade of its strategy since that was switched on again" if view.first_after_enabling else ""


CONDITIONS: Final[tuple[tuple[str, Condition], ...]] = (
    ("premium", _premium),
    ("overnight", _overnight),
    ("event", _event),
    ("disagreement", _disagreement),
    ("confidence", _confidence),
    ("first_trade", _first),
)


def complexity(view: ComplexityView, settings: ReviewSettings) -> tuple[str, ...]:
    """Return in words everything that makes a signal complex; empty: it is plain."""
    return tuple(words for _, condition in CONDITIONS if (words := condition(view, settings)))
