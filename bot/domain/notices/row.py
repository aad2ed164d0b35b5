"""The row of an alert, and the words that many rows say."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

INFO: Final = "info"
WARNING: Final = "warning"
CRITICAL: Final = "critical"
SEVERITIES: Final = (INFO, WARNING, CRITICAL)

ONCE: Final = "once each time it begins"
END: Final = "once, when it is over"
EACH: Final = "each time"
IN_5_MIN: Final = "when it begins, then every 5 minutes while it lasts"
NOTHING: Final = "Nothing."


@dataclass(frozen=True, slots=True)
class Notice:
    """One row. `severity` is what it is unless the caller says one of `or_else`, severity -> when it is that one."""

    severity: str
    again: str
    meaning: str
    deed: str
    or_else: Mapping[str, str] = field(default_factory=dict)

    @property
    def severities(self) -> tuple[str, ...]:
        return (self.severity, *self.or_else)
