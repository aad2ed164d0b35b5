"""How the answer of a named query reads: the columns that answer it, short ids, New York's time, money to the cent.

One definition for command line and page; what is stored stays as it is under `--wide`, `--csv` and `--json`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from types import MappingProxyType
from typing import Any, Final

from bot.domain.calendar import NEW_YORK
from bot.domain.instruments import OptionContract, Right
from bot.domain.wording import contract_words, key_words, signed
from bot.store.queries import SHORT

ID_END: Final = 6
"""So many last characters name an id where people read."""

HEADS: Final[Mapping[str, str]] = MappingProxyType({
    "position_id": "id", "signal_id": "signal", "order_ref": "order", "entry_price": "entry", "exit_price": "exit",
    "realized_pnl": "P&L", "close_reason": "closed by", "contracts": "qty", "event_at": "at", "average_price": "got",
    "reference_price": "expected", "slippage_pct": "%", "refused_trigger": "refused",
})  # fmt: skip
_WITH_SIGN: Final = frozenset({"best", "worst", "slippage"})
_OF_A_CONTRACT: Final = frozenset({"symbol", "right", "strike", "expiry"})


@dataclass(frozen=True, slots=True)
class Cell:
    """One value: the column it stands in, as it is stored, and as people read it."""

    column: str
    stored: Any
    shown: Any

    @property
    def is_number(self) -> bool:
        return isinstance(self.stored, int | float) and not isinstance(self.stored, bool)

    @property
    def is_money_made(self) -> bool:
        """Whether the sign of it says won or lost."""
        return self.is_number and ("pnl" in self.column or self.column in {"best", "worst"})


@dataclass(frozen=True, slots=True)
class ShortAnswer:
    heads: Sequence[str]
    rows: Sequence[Sequence[Cell]]

    def is_numeric(self, column: int) -> bool:
        """Whether a column holds numbers, where it holds anything."""
        held = [row[column] for row in self.rows if row[column].stored is not None]
        return bool(held) and all(cell.is_number for cell in held)


def shortened(name: str, columns: Sequence[str], rows: Sequence[Sequence[Any]], today: date) -> ShortAnswer:
    """Return the columns that answer a query, in words; a query without a choice of columns keeps all of them."""
    known = set(columns) >= _OF_A_CONTRACT or "contract_key" in columns
    wanted = [each for each in SHORT.get(name, ()) if each in columns or (each == "contract" and known)]
    names = wanted or list(columns)
    found = [dict(zip(columns, row, strict=True)) for row in rows]
    cells = [[_cell(each, row, today) for each in names] for row in found]
    return ShortAnswer([HEADS.get(each, each.replace("_", " ")) for each in names], cells)


def _cell(name: str, row: Mapping[str, Any], today: date) -> Cell:
    if name == "contract":
        return Cell(name, row.get("contract_key"), _contract(row, today))
    return Cell(name, row[name], _in_words(name, row[name], today))


def _contract(row: Mapping[str, Any], today: date) -> str:
    if "contract_key" in row:
        return key_words(str(row["contract_key"]), today)
    expiry, strike = date.fromisoformat(str(row["expiry"])), Decimal(str(row["strike"]))
    return contract_words(OptionContract(str(row["symbol"]), expiry, Right(row["right"]), strike), today)


def _in_words(name: str, value: Any, today: date) -> Any:
    if name.endswith(("_id", "order_ref")) and isinstance(value, str):
        return value[-ID_END:]
    if name == "contract_key" and isinstance(value, str):
        return key_words(value, today)
    if (name.endswith("_at") or name == "at") and isinstance(value, str):
        return f"{datetime.fromisoformat(value).astimezone(NEW_YORK):%d %b %H:%M:%S}"
    if isinstance(value, float):
        return signed(value, 2, plus="pnl" in name or name in _WITH_SIGN)
    return value
