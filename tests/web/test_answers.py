"""The three answers on top of the overview: protected, earning, anything wrong."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from flask.testing import FlaskClient

from bot.store.tables.breaker import BREAKER
from bot.store.tables.connection_state import CONNECTION_STATE
from bot.store.tables.engine_status import ENGINE_STATUS
from bot.store.tables.feed_status import FEED_STATUS
from bot.store.tables.position import POSITION
from bot.store.tables.session_state import SESSION_STATE
from bot.store.tables.symbol_halt import SYMBOL_HALT
from tests.web.conftest import AppMaker, StoreBuilder


def answers(client: FlaskClient) -> dict[str, tuple[str, str, str]]:
    """Return what each question is answered: (tone, answer, why)."""
    html = client.get("/parts?view=overview").get_json()["answers"]
    found = re.findall(
        r'<div class="answer"><dt>(.*?)</dt><dd><span class="v ?(\w*)">(.*?)</span><span class="d">(.*?)</span>',
        html,
    )
    return {question: (tone, answer, why) for question, tone, answer, why in found}


def protected(client: FlaskClient) -> tuple[str, str, str]:
    return answers(client)["Protected?"]


def wrong(client: FlaskClient) -> tuple[str, str, str]:
    return answers(client)["Anything wrong?"]


@pytest.fixture
def fine(store: StoreBuilder, page: FlaskClient) -> FlaskClient:
    """A working day whose feeds are all fresh."""
    store.set(FEED_STATUS, {"dataset": "flow_alerts"}, state="ok", max_age_s=600.0)
    store.set(FEED_STATUS, {"dataset": "spot_gex"}, max_age_s=600.0)
    return page


def test_a_good_day_is_protected_earning_and_nothing_is_wrong(fine: FlaskClient) -> None:
    told = answers(fine)
    assert told["Protected?"][:2] == ("good", "Yes")
    assert "1 contract in 1 position" in told["Protected?"][2]
    assert told["Making money today?"][:2] == ("good", "+$833.20")  # 878.40 - 485.20 realized, (8.60 - 4.20) x 100 open
    assert told["Anything wrong?"][:2] == ("good", "No")
    assert "3 feeds fresh" in told["Anything wrong?"][2]


@pytest.mark.parametrize(
    "protection, tone, answer",
    [("rejected", "bad", "No"), ("wanted", "bad", "No"), ("synthetic", "warn", "Watched only")],
)
def test_a_position_without_a_stop_is_named(
    page: FlaskClient, store: StoreBuilder, protection: str, tone: str, answer: str
) -> None:
    since = "2026-11-20T16:05:20.000000+00:00"
    store.set(POSITION, {"id": "POSRUN"}, protection=protection, unprotected_quantity=1, unprotected_since=since)
    assert protected(page)[:2] == (tone, answer)
    assert "1 contract of SPX 5900C 20 Nov" in protected(page)[2]


@pytest.mark.parametrize("settlement, answer", [("seen", "No"), ("pending", "1 settlement price to be told")])
def test_a_settlement_price_that_a_person_has_to_tell_is_named(
    fine: FlaskClient, store: StoreBuilder, settlement: str, answer: str
) -> None:
    """What was seen at the expiry is confirmed by itself."""
    store.set(POSITION, {"id": "POSOLD"}, settlement=settlement)
    assert wrong(fine)[1] == answer


def test_a_flat_book_needs_no_protection(fine: FlaskClient, store: StoreBuilder) -> None:
    store.set(POSITION, {"id": "POSRUN"}, state="closed")
    assert protected(fine)[:2] == ("idle", "Nothing held")


def test_feeds_that_are_late_or_failing_are_counted_and_named(page: FlaskClient) -> None:
    tone, answer, why = wrong(page)
    assert (tone, answer) == ("warn", "1 feed of 3 failing")
    assert why == "flow_alerts SPX retrying"


def test_a_feed_in_the_background_that_is_late_is_counted_and_no_trouble(
    fine: FlaskClient, store: StoreBuilder
) -> None:
    store.set(FEED_STATUS, {"dataset": "spot_gex", "key": "SPY"}, max_age_s=1.0)
    assert wrong(fine)[1:] == ("1 feed of 3 late", "spot_gex SPY 41 s old, limit 1.0 s")
    store.set(FEED_STATUS, {"dataset": "spot_gex", "key": "SPY"}, priority="background")
    fine.application.extensions["reader"].forget()
    tone, answer, why = wrong(fine)
    assert (tone, answer) == ("good", "No")
    assert why.endswith("2 feeds fresh, 1 in the background late")


def test_however_many_vendors_there_are_the_worst_is_named_and_the_others_are_counted(
    page: FlaskClient, store: StoreBuilder
) -> None:
    for number in range(11):
        store.add(
            FEED_STATUS, feed=f"vendor_{number:02}", dataset="rows", key="*", state="ok", requests=1, failures=0,
            dropped=0, max_age_s=60.0 if number == 7 else 600.0, last_success_at="2026-11-20T16:03:30.000000+00:00",
            at=store.now_text,
        )  # fmt: skip
    bar = page.get("/trades").get_data(as_text=True).partition("Last word")[2].partition("</div>")[0]
    words = " ".join(re.sub("<[^>]*>", "", bar).split())
    assert words == "vendor 07 2 min 00 s · UW 41 s · 10 more"


def test_the_worst_comes_first_and_the_rest_is_named_after_it(page: FlaskClient, store: StoreBuilder) -> None:
    store.set(SESSION_STATE, {"id": "session"}, state="paused", hold="pause", hold_reason="lunch")
    store.set(CONNECTION_STATE, {"id": "ibkr"}, state="down", detail="no answer from the gateway")
    tone, answer, why = wrong(page)
    assert (tone, answer) == ("bad", "Broker down")
    assert why.startswith("no answer from the gateway")
    assert why.endswith("Also: Session paused; 1 feed of 3 failing")


@pytest.mark.parametrize(
    "state, tone, answer", [("tripped", "bad", "1 breaker tripped"), ("warning", "warn", "Near a limit")]
)
def test_a_limit_that_is_reached_or_near_is_named(
    fine: FlaskClient, store: StoreBuilder, state: str, tone: str, answer: str
) -> None:
    store.add(BREAKER, id="daily_loss", state=state, value="6.1%", limit_words="6%", share=1.02)
    assert wrong(fine)[:2] == (tone, answer)
    assert "Loss of the day" in wrong(fine)[2]


def test_a_symbol_on_which_entries_are_halted_is_named_with_the_reason(fine: FlaskClient, store: StoreBuilder) -> None:
    row = {"reason": "somebody else traded it", "causes": "[]", "halted_by": "broker", "halted_at": store.now_text}
    store.add(SYMBOL_HALT, id="SPY", state="halted", **row)
    assert wrong(fine) == ("warn", "Entries halted on SPY", "somebody else traded it")


def test_a_wrong_clock_is_named_on_top_of_the_page_and_to_whoever_asks(fine: FlaskClient, store: StoreBuilder) -> None:
    told = "the machine's clock says 16:00, the broker's 15:00"
    store.set(ENGINE_STATUS, {"id": 1}, clock_fault=told)
    assert wrong(fine)[:2] == ("bad", "Wrong clock")
    assert "clock says 16:00" in wrong(fine)[2]
    assert "Wrong clock:" in fine.get("/").get_data(as_text=True)
    assert fine.get("/api/status").get_json()["clock_fault"] == told
    health = fine.get("/healthz")
    assert (health.status_code, told in health.get_json()["reasons"]) == (503, True)


def test_a_store_that_cannot_be_read_answers_nothing_with_confidence(make_app: AppMaker, tmp_path: Path) -> None:
    page = make_app(f"sqlite+aiosqlite:///{tmp_path / 'none.db'}").test_client()
    told = answers(page)
    assert told["Protected?"][:2] == ("bad", "not known")
    assert told["Anything wrong?"][0] == "bad"
