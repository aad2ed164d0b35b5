"""Whatever reaches the bot is recorded as it was received, with source, time of receipt and sequence: every kind of
fact that there is, made from its own annotations, so that a new one cannot be forgotten; every source's answers."""

from __future__ import annotations

import dataclasses
import types
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum
from pathlib import Path
from typing import Any, Union, get_args, get_origin, get_type_hints

import pytest

from bot.clocks.clock import ManualClock
from bot.domain.events import Event
from bot.domain.recording import COLUMNS, NO_FACTS, OF, EventKind, RunTold, fact_of, moment
from bot.feeds.feeds import Feeds
from bot.feeds.sources import DataSources
from bot.feeds.transport import MOST_BYTES, Params, Response
from bot.record.answers import RecordedTransport
from bot.record.keeper import Keeper
from bot.record.library import Recording
from bot.record.tap import HEAD_BYTES, Tap, columns_of_frame
from tests.feeds.uw_site import NOON, OneDay
from tests.record.days import START, Hand, a_run, flush

_PLAIN: Mapping[Any, Any] = {
    str: "words", int: 7, float: 1.5, bool: True, Decimal: Decimal("1.10"), datetime: START,
    date: START.date(), time: time(9, 30), timedelta: None, Any: "any", object: "any",
}  # fmt: skip
NOT_OF_THE_WIRE: Mapping[str, Any] = {"passed": (), "context": False}
"""Fields that the inbox sets, not who was heard; what is only watched has its own test."""
FACTS = get_args(Event)


def an_example(of: Any) -> Any:
    """Return a value of an annotation, every optional part of it there."""
    if of in _PLAIN:
        return _PLAIN[of]
    origin, args = get_origin(of), get_args(of)
    if origin in {Union, types.UnionType}:
        return an_example(next(each for each in args if each is not type(None)))
    if origin in {tuple, list, Sequence}:
        return (an_example(args[0]),)
    if origin in {frozenset, set, AbstractSet}:
        return frozenset({an_example(args[0])})
    if origin in {dict, Mapping}:
        return {an_example(args[0]): an_example(args[1])}
    if isinstance(of, type) and issubclass(of, Enum):
        return next(iter(of))
    if dataclasses.is_dataclass(of) and isinstance(of, type):
        return an_object(of)
    raise AssertionError(f"an example of {of!r} is wanted here")


def an_object(kind: type) -> Any:
    hints = get_type_hints(kind)
    taken = [each.name for each in dataclasses.fields(kind) if each.init]
    return kind(**{name: NOT_OF_THE_WIRE.get(name, _named(name, hints[name])) for name in taken})


def _named(name: str, of: Any) -> Any:
    """Return an example that the checks of its class let through."""
    return {"code": "ORDER_REJECTED", "severity": "warning"}.get(name) or an_example(of)


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> dict[type, tuple[Any, Any]]:
    """Each kind of fact heard once, a second apart, by way of the disk: what was heard, and its row."""
    root, clock = tmp_path_factory.mktemp("kinds"), Hand()
    tap, keeper = Tap(clock), Keeper(root, 0)
    heard = []
    for kind in FACTS:
        heard.append(an_object(kind))
        tap.heard(heard[-1])
        clock.go(1)
    flush(tap, keeper)
    keeper.close()
    keeper.let_go()
    rows = list(Recording(root / "2026-11-20").rows())
    assert len(rows) == len(heard)
    return {type(event): (event, row) for event, row in zip(heard, rows, strict=True)}


@pytest.mark.parametrize("kind", FACTS, ids=lambda kind: str(kind.__name__))
def test_every_kind_of_fact_is_recorded_as_it_was_received(kind: type, recorded: dict[type, tuple[Any, Any]]) -> None:
    event, row = recorded[kind]
    sequence, us, word, source, key, values = row
    number = FACTS.index(kind)
    assert (sequence, moment(us)) == (number + 1, START + timedelta(seconds=number))
    told, who = OF[kind]
    assert EventKind(word) is told
    assert source == who if who else source, "who said it"
    assert fact_of(told, key, values) == event


def test_every_table_has_what_goes_into_it(tmp_path: Path) -> None:
    """A table that nothing fills would be one that was forgotten."""
    clock = Hand()
    tap, keeper = Tap(clock, most_rows=100), Keeper(tmp_path, 0)
    tap.runs(a_run())
    tap.answered("unusual_whales", "/api/x", [("limit", "1")], 200, {"date": "x"}, b"{}")
    tap.ticked(1, clock.now(), 0.5)
    others = {EventKind.RUNS, EventKind.ANSWERS, EventKind.TICKS, EventKind.GAPS}
    flush(tap, keeper)
    keeper.close()
    keeper.let_go()
    rows = list(Recording(tmp_path / "2026-11-20").rows())
    assert {row[2] for row in rows} == {kind.value for kind in others - {EventKind.GAPS}}
    assert set(EventKind) == {kind for kind, _ in OF.values()} | others
    assert others == NO_FACTS
    assert set(COLUMNS) == set(EventKind)
    assert all(row[1] == rows[0][1] for row in rows)
    assert isinstance(a_run(), RunTold)


class _Answers:
    """A vendor's transport that answers everything alike."""

    async def get(self, path: str, params: Params, most_bytes: int = MOST_BYTES) -> Response:
        return Response(200, {"date": "x"}, b'{"rows": []}')

    async def close(self) -> None:
        """No connection."""


def _a_source(name: str) -> dict[str, Any]:
    reader = {"rows": "rows", "identity": ["a"], "fields": {"a": {"path": "a", "needed": True}}}
    endpoint = {"name": f"{name}_rows", "path": f"/{name}", "interval_s": 60, "max_age_s": 120, "reader": reader,
                "priority": "background"}  # fmt: skip
    return {"title": name, "base_url": "http://127.0.0.1:9", "symbols": ["SPY"], "endpoints": [endpoint],
            "auth": {"by": "header", "name": "X", "env": f"{name.upper()}_API_KEY"}}  # fmt: skip


async def test_every_sources_answers_are_recorded_also_of_one_that_is_added_while_the_bot_runs() -> None:
    clock = ManualClock(NOON)
    tap = Tap(clock)
    feeds = Feeds(DataSources.model_validate({"one": _a_source("one"), "two": _a_source("two")}), clock, OneDay(),
                  lambda event: None, lambda name, settings: _Answers())  # fmt: skip
    feeds.ask_through(lambda source, inner: RecordedTransport(inner, tap, source))
    three = {name: _a_source(name) for name in ("one", "two", "three")}
    await feeds.take(DataSources.model_validate(three))
    await feeds.poll_once(clock.now())
    frame, _ = tap.take()
    answers = columns_of_frame(frame[HEAD_BYTES:])[EventKind.ANSWERS.value]
    assert set(answers[2]) == {"one", "two", "three"}
    assert set(answers[-1]) == {b'{"rows": []}'}
    await feeds.stop()
