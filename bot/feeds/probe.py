"""One call of an endpoint, looked at: are the fields there that its reader asks for, which are new, which are odd."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from bot.engine.state.ports import TradingCalendar
from bot.feeds.declared import ANSWER, KINDS, DeclaredReader, found_at
from bot.feeds.outcome import Outcome
from bot.feeds.sources import EndpointSettings, SourceSettings
from bot.feeds.targets import targets_of
from bot.feeds.tolerant import Malformed, refuse_too_much
from bot.feeds.transport import Transport, TransportFailed
from bot.feeds.vendors import manners_of
from bot.feeds.verdicts import Verdict

_LOOKED_AT = 200
"""Rows whose fields are compared."""


@dataclass(frozen=True, slots=True)
class Probed:
    """What one call came to. `missing`: fields that the reader asks for and no row has; `new`: fields that no reader
    asks for; `wrong`: why rows could not be read."""

    source: str
    endpoint: str
    asked: str
    outcome: str
    words: str = ""
    rows: int = 0
    missing: tuple[str, ...] = ()
    new: tuple[str, ...] = ()
    wrong: tuple[str, ...] = ()

    @property
    def is_sound(self) -> bool:
        return self.outcome == Outcome.OK and not self.missing and not self.wrong


class _Asked(dict[str, Any]):
    """A row that remembers what it was asked for."""

    def __init__(self, row: Mapping[str, Any]) -> None:
        super().__init__(row)
        self.asked: set[str] = set()

    def get(self, key: Any, default: Any = None) -> Any:
        self.asked.add(str(key))
        return super().get(key, default)


async def probe(
    source: str,
    settings: SourceSettings,
    endpoint: EndpointSettings,
    transport: Transport,
    calendar: TradingCalendar,
    now: datetime,
) -> Probed:
    """Ask an endpoint once, for its first target, and compare what comes with what its reader wants."""
    target = targets_of(endpoint.model_copy(update={"enabled": True}), settings)[0]
    path, params = target.path(calendar, now), target.params(calendar, now)
    asked = path + ("?" + "&".join(f"{name}={value}" for name, value in params) if params else "")
    try:
        response = await transport.get(path, params, endpoint.max_body_bytes)
    except TransportFailed as error:
        return Probed(source, endpoint.name, asked, error.outcome.value, str(error))
    manners, reads = manners_of(settings.manners), settings.reads(endpoint)
    judged = manners.refusals.judge(response)
    if judged.verdict is not Verdict.OK:
        return Probed(source, endpoint.name, asked, judged.outcome.value, judged.reason)
    try:
        refuse_too_much(response.body, endpoint.max_body_bytes, endpoint.rows_of_a_page)
        rows = reads.raw_rows(response.body, None) if isinstance(reads, DeclaredReader) else None
        rows = manners.rows(response.body, None, endpoint.parser) if rows is None else rows
    except Malformed as fault:
        return Probed(source, endpoint.name, asked, Outcome.NO_ROWS.value, str(fault))
    if not rows:
        return Probed(source, endpoint.name, asked, Outcome.EMPTY.value, "no rows to compare")
    looked_at = [row for row in rows[:_LOOKED_AT] if isinstance(row, dict)]
    if isinstance(reads, DeclaredReader):
        missing, new, wrong = _declared(reads, looked_at)
    else:
        missing, new, wrong = _typed(reads.parse, looked_at)
    return Probed(source, endpoint.name, asked, Outcome.OK.value, "", len(rows), missing, new, wrong)


def _typed(parse: Any, rows: Iterable[dict[str, Any]]) -> tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...]]:
    asked, there, wrong = set[str](), set[str](), set[str]()
    for row in rows:
        watched = _Asked(row)
        parsed = parse([watched])
        asked |= watched.asked
        there |= row.keys()
        wrong |= {parsed.first_fault} if parsed.dropped else set()
    return tuple(sorted(asked - there)), tuple(sorted(there - asked)), tuple(sorted(wrong))


def _declared(
    reads: DeclaredReader, rows: list[dict[str, Any]]
) -> tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...]]:
    fields = reads.settings.fields
    fields = {name: each for name, each in fields.items() if each.path}
    found = {name: [found_at(row, each.path) for row in rows] for name, each in fields.items()}
    missing = [f"{fields[name].path}" for name, values in found.items() if all(value is None for value in values)]
    heads = {each.path.split(".")[0] for each in fields.values()} | {each.path for each in fields.values()}
    new = {str(key) for row in rows for key in row} - heads - {ANSWER}
    wrong = set()
    for name, values in found.items():
        for value in values:
            kinds = KINDS[fields[name].type]
            if value is not None and not isinstance(value, kinds):
                wrong.add(f"{fields[name].path} is {type(value).__name__}, not {fields[name].type}")
    faults = {fault for row in rows if (fault := reads.parse([row]).first_fault)}
    return tuple(sorted(missing)), tuple(sorted(new)), tuple(sorted(wrong | faults))
