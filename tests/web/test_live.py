"""Streams: the first event is the whole page, the next only what changed, and no more of them than there is room
for."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from flask.testing import FlaskClient

from bot.clocks.clock import ManualClock
from bot.store.tables.position import POSITION
from bot.web.live import STREAMS_MAX
from bot.web.patches import applied
from tests.web.conftest import StoreBuilder


def _events(answer: Any) -> Iterator[tuple[str, dict[str, Any]]]:
    for chunk in answer.response:
        text = chunk.decode() if isinstance(chunk, bytes) else chunk
        fields = dict(line.split(": ", 1) for line in text.splitlines() if line)
        if "event" in fields:
            yield fields["event"], json.loads(fields["data"])


def test_the_first_event_has_every_part_and_the_next_only_what_changed(
    operator: FlaskClient, store: StoreBuilder, no_waiting: None, clock: ManualClock
) -> None:
    answer = operator.get("/events?view=overview", buffered=False)
    assert answer.mimetype == "text/event-stream"
    events = _events(answer)
    kind, parts = next(events)
    assert kind == "parts"
    assert {"bar", "status", "answers", "positions", "activity", "alerts", "waiting", "asked"} <= set(parts)
    assert "+$1,318.40" in parts["positions"]
    assert next(events) == ("beat", {})
    store.set(POSITION, {"id": "POSRUN"}, bid=42_000)
    clock.advance(1)
    kind, steps = next(events)
    assert kind == "patch"
    assert "+$878.40" in applied(parts["positions"], steps["positions"])
    assert "alerts" not in steps
    assert len(json.dumps(steps["positions"])) < len(parts["positions"]) / 10
    answer.close()


def test_whoever_polls_gets_what_changed(operator: FlaskClient, store: StoreBuilder, clock: ManualClock) -> None:
    first = operator.get("/parts?view=overview").get_json()
    again = operator.get(f"/parts?view=overview&have={first['have']}").get_json()
    assert set(again) == {"have"}
    store.set(POSITION, {"id": "POSRUN"}, bid=42_000)
    clock.advance(1)
    then = operator.get(f"/parts?view=overview&have={first['have']}").get_json()
    assert "positions" in then
    assert "alerts" not in then


def test_parts_of_a_story_and_of_the_machines_are_streamed_too(page: FlaskClient) -> None:
    assert "Stop raised" in page.get("/parts?view=position&id=POSRUN").get_json()["timeline"]
    assert "machine-order" in page.get("/parts?view=machines").get_json()


def test_a_full_house_is_told_to_poll(page: FlaskClient, no_waiting: None) -> None:
    held = [page.get("/events?view=machines", buffered=False) for _ in range(STREAMS_MAX)]
    assert page.get("/events?view=machines").status_code == 503
    held.pop().close()
    again = page.get("/events?view=machines", buffered=False)
    assert again.status_code == 200
    for answer in [*held, again]:
        answer.close()
