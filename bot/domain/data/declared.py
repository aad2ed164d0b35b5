"""Rows of a data set whose fields are declared in the settings: read by name."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

Value = str | float | int | bool | Decimal | datetime | date | None


@dataclass(frozen=True, slots=True)
class DeclaredRow(Mapping[str, Value]):
    """One row: a value of its declared type for each declared field, None where the vendor has none. Raises KeyError
    for a name that was not declared."""

    values_by_name: Mapping[str, Value]

    def __getitem__(self, name: str) -> Value:
        return self.values_by_name[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self.values_by_name)

    def __len__(self) -> int:
        return len(self.values_by_name)
