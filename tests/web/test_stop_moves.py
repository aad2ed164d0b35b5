"""Moves of a stop that follow each other are one step; greeks at the entry are of the first quote."""

from __future__ import annotations

import re

from flask.testing import FlaskClient

from bot.store.tables.broker_order import BROKER_ORDER
from bot.store.tables.position import POSITION
from bot.store.tables.position_mark import POSITION_MARK
from tests.web.conftest import StoreBuilder, at, dollars


def raised(store: StoreBuilder, number: int, low: str, high: str) -> None:
    """Have a stop raised, sent and taken."""
    when = at(20 - number)
    moved = {"from": low, "to": high, "high": "5.00"}
    store.transition("position", "POSRUN", "ratchet", ("trailing",) * 2, f"stop {low} to {high}", when, **moved)
    for trigger in ("amend", "amended"):
        store.transition("order", "ORDSTOP", trigger, ("working",) * 2, f"to {high}", when)


def test_a_trail_is_one_step_with_its_parts_and_a_single_move_stays_as_it_is(
    page: FlaskClient, store: StoreBuilder
) -> None:
    store.set(BROKER_ORDER, {"id": "ORDSTOP"}, position_id="POSRUN")
    store.transition("position", "POSRUN", "scale_out", ("trailing",) * 2, "sold 1 before", at(21))
    raised(store, 1, "3.10", "3.20")
    assert "stop 3.10 to 3.20" in page.get("/position/POSRUN").get_data(as_text=True)
    for number, (low, high) in enumerate((("3.20", "3.40"), ("3.40", "3.55")), 2):
        raised(store, number, low, high)
    for path in ("/", "/position/POSRUN"):
        text = page.get(path).get_data(as_text=True)
        assert "3 times: stop from 3.10 to 3.55" in text, path
        assert "Each of the 9 steps" in text, path
    store.transition("position", "POSRUN", "scale_out", ("trailing",) * 2, "sold 1", at(10))
    raised(store, 9, "3.55", "3.60")
    text = page.get("/position/POSRUN").get_data(as_text=True)
    assert "3 times: stop from 3.10 to 3.55" in text, "what happened between them parts them"
    assert "stop 3.55 to 3.60" in text


def test_the_greeks_at_the_entry_stand_beside_those_of_now(page: FlaskClient, store: StoreBuilder) -> None:
    store.set(POSITION, {"id": "POSRUN"}, underlying=59_050_000, opened_at=at(29))
    before = _greeks(page)
    assert [row[2] for row in before] == ["–"] * 5, "no whole quote was kept"
    store.add(POSITION_MARK, position_id="POSRUN", at=at(29), bid=dollars(4.1), ask=dollars(4.3),
              underlying=dollars(5898.5))  # fmt: skip
    found = _greeks(page)
    assert [row[:2] for row in found] == [row[:2] for row in before]
    assert re.fullmatch(r"\d+\.\d %", found[0][2])
    assert re.fullmatch(r"\+0\.4\d", found[1][2]), "just below its strike"
    store.set(POSITION, {"id": "POSRUN"}, opened_at=at(50))
    assert [row[2] for row in _greeks(page)] == ["–"] * 5, "what was kept much later says nothing of the entry"


def _greeks(page: FlaskClient) -> list[list[str]]:
    """Return the rows of the table: name, now, at the entry, for all."""
    page.application.extensions["reader"].forget()
    table = page.get("/position/POSRUN").get_data(as_text=True).partition("<h2>Greeks</h2>")[2].partition("</table>")[0]
    return [re.findall(r"<td[^>]*>(.*?)</td>", row) for row in table.split("<tr>")[2:]]
