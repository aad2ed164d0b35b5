"""How a fact is called that stands for itself when it is applied."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class FactName:
    """What a fact is of (`order`, `execution`, `position`), and which one; empty: there is only one."""

    subject: str
    of: str = ""

    def __str__(self) -> str:
        return f"{self.subject} {self.of}".rstrip()
