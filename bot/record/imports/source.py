"""What importers share: a file's rows, New York's time of a day, what is heard at a moment, a contract's naming."""

from __future__ import annotations

import csv
import gzip
import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path
from typing import IO, Any, Final
from zoneinfo import ZoneInfo

import pyarrow.parquet as pq

from bot.domain.calendar import NEW_YORK
from bot.domain.events import Event
from bot.domain.events.market_data import ContractQualified, QuoteReceived
from bot.domain.instruments import INDEX_EXCHANGES, Instrument, OptionContract, Right, price_grid
from bot.domain.quotes import Quote
from bot.domain.recording import RecordingFault

_DAY: Final = re.compile(r"(\d{4}-\d{2}-\d{2})")
_FIRST_CON_ID: Final = 800_000_001


@dataclass(frozen=True, slots=True)
class Heard:
    """One fact, or one raw answer, with the moment at which it could be known."""

    at: datetime
    event: Event | None = None
    answer: tuple[str, bytes] | None = None  # where it came from, and what came


@dataclass(slots=True)
class Imported:
    """What an import was asked for and what came of it. `day` and `symbol` are None where nobody said them."""

    files: Sequence[Path]
    day: date | None = None
    symbol: str | None = None
    stamp: str = "start"
    notes: list[str] = field(default_factory=list)
    read: int = 0
    left_out: int = 0
    _named: dict[str, int] = field(default_factory=dict)

    def day_of(self, path: Path) -> date:
        """Return the day of a file: as told, else as its name or its folder's says it."""
        if self.day is not None:
            return self.day
        for text in (path.name, path.parent.name):
            if (found := _DAY.search(text)) is not None:
                return date.fromisoformat(found[1])
        raise RecordingFault(f"{path.name}: which day it is of stands neither in its name nor in its folder's: --day")

    def symbol_of(self, path: Path) -> str:
        """Return the symbol of a file: as told, else the first word of its name."""
        word = re.split(r"[_.\-]", path.name)[0]
        name = self.symbol or word
        if not re.fullmatch(r"[A-Za-z.]{1,6}", name):
            raise RecordingFault(f"{path.name}: which symbol it is of does not stand in its name: --symbol")
        return name.upper()

    def name(self, key: str, at: datetime) -> Iterator[Heard]:
        """Yield what names a contract the first time that it comes."""
        if key in self._named:
            return
        con_id = self._named[key] = _FIRST_CON_ID + len(self._named)
        option = None if len(key) < 21 else _option(key)
        if option is None:
            word = "IND" if key in INDEX_EXCHANGES else "STK"
            yield Heard(at, ContractQualified(key, con_id, None, instrument=Instrument(con_id, word, key, "USD")))
            return
        named = Instrument(
            con_id, "OPT", option.symbol, "USD", "100", trading_class=option.root, local_symbol=key,
            last_trading_day=f"{option.expiry:%Y%m%d}", right=option.right.value, strike=f"{option.strike:f}",
            is_complete=True,
        )  # fmt: skip
        yield Heard(at, ContractQualified(key, con_id, price_grid(option.root), instrument=named))


Importer = Callable[[Imported], Iterator[Heard]]


def _option(key: str) -> OptionContract | None:
    from bot.domain.instruments import option_of_key

    return option_of_key(key)


def opened(path: Path) -> IO[str]:
    """Open a text file, packed by gzip or not."""
    return gzip.open(path, "rt", encoding="utf-8") if path.suffix == ".gz" else path.open(encoding="utf-8")


def table(path: Path) -> Iterator[Mapping[str, Any]]:
    """Yield the rows of a CSV or Parquet file by their columns' names; raises RecordingFault for a file that is
    neither."""
    try:
        if path.suffix == ".parquet":
            yield from _of_parquet(path)
            return
        with opened(path) as file:
            yield from csv.DictReader(file)
    except (OSError, EOFError, ValueError, csv.Error) as error:
        raise RecordingFault(f"{path.name}: {error}") from error


def _of_parquet(path: Path) -> Iterator[Mapping[str, Any]]:
    for batch in pq.ParquetFile(path).iter_batches():
        yield from batch.to_pylist()


def lines(path: Path) -> Iterator[Any]:
    """Yield the values of a file of JSON lines; raises RecordingFault for a line that is none."""
    with opened(path) as file:
        for number, line in enumerate(file, 1):
            try:
                yield json.loads(line)
            except ValueError as error:
                raise RecordingFault(f"{path.name}: line {number} is no JSON") from error


def columns(path: Path) -> set[str]:
    """Return the names of a table's columns."""
    if path.suffix == ".parquet":
        return set(pq.ParquetFile(path).schema_arrow.names)
    with opened(path) as file:
        return set(next(csv.reader(file), []))


def of_the_day(day: date, seconds: float | Decimal, zone: ZoneInfo = NEW_YORK) -> datetime:
    """Return the time so many seconds after a day's midnight in a zone, to the microsecond."""
    midnight = datetime.combine(day, time(), zone).astimezone(UTC)
    return midnight + timedelta(microseconds=int(Decimal(str(seconds)) * 1_000_000))


def price(value: Any) -> Decimal | None:
    """Return a price as it is written, without a tail of zeros; None for nothing."""
    if value in {None, ""}:
        return None
    made = Decimal(str(value))
    if not made.is_finite():
        return None
    return made.quantize(_CENT) if made == made.quantize(_CENT) else made.normalize()


_CENT: Final = Decimal("0.01")


def whole(value: Any) -> int:
    return int(float(value)) if value not in {None, ""} else 0


def option_key(root: str, expiry: str, right: str, strike: Any) -> str:
    """Return the key of an option by its terms."""
    made = price(strike)
    assert made is not None, "an option has its strike"
    return OptionContract(root, date.fromisoformat(str(expiry)[:10]), Right(right[:1].upper()), made).key


def quoted(key: str, at: datetime, bid: tuple[Any, Any], ask: tuple[Any, Any], last: Any = None) -> Heard:
    """Return a quote of two sides, each a price and a size."""
    quote = Quote(price(bid[0]), price(ask[0]), whole(bid[1]), whole(ask[1]), price(last), at)
    return Heard(at, QuoteReceived(key, quote))
