"""What measures said: each worked out when somebody asks for it and its last answer is older than it may be, so that
what nobody looks at costs nothing and nothing is worked out twice."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from bot.analytics.measure import Measure, MeasuredView
from bot.analytics.registry import MEASURES
from bot.domain.readings import Reading


class Measured:
    """The readings of one run by measure and key. It asks `now` of the tick, so a replay says what the day said."""

    def __init__(self, measures: Mapping[str, Measure] = MEASURES) -> None:
        self._measures = measures
        self._known: dict[tuple[str, str], tuple[datetime, Reading]] = {}

    def read(self, view: MeasuredView, name: str, key: str, now: datetime) -> Reading | None:
        """Return what a measure says of a key; None where there is no such measure. One that fails is a named absence,
        and is asked again when it is due."""
        measure = self._measures.get(name)
        if measure is None:
            return None
        known = self._known.get((name, key))
        if known is not None and 0.0 <= (now - known[0]).total_seconds() < measure.every_s:
            return known[1]
        try:
            reading = measure.read(view, key, now)
        except (ArithmeticError, ValueError, LookupError, TypeError) as error:
            reading = Reading(None, now, measure.unit, f"failed: {type(error).__name__}", measure.max_age_s)
        self._known[name, key] = now, reading
        return reading

    def readings(self) -> Mapping[tuple[str, str], Reading]:
        """Return what was said last, of all that anybody asked for."""
        return {place: reading for place, (_, reading) in self._known.items()}
