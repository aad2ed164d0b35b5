"""The feeds by dataset: what ails is in front, and named."""

import json
from datetime import UTC, datetime, timedelta

from flask.testing import FlaskClient

from bot.domain.events.feeds import FeedReported
from bot.store.tables.config_version import CONFIG_VERSION
from bot.store.tables.endpoint_day import ENDPOINT_DAY
from bot.store.tables.feed_status import FEED_STATUS
from bot.store.values import time_text
from bot.web.feeds import FeedView, by_dataset, feed_view
from tests.web.conftest import DAY, StoreBuilder
from tests.web.conftest import NOW as PAGE_NOW

NOW = datetime(2026, 11, 20, 17, 0, tzinfo=UTC)


def a_feed(dataset: str, key: str, age_s: float | None, state: str = "ok") -> FeedView:
    heard = None if age_s is None else NOW - timedelta(seconds=age_s)
    return feed_view(FeedReported("uw", dataset, key, state, heard, "", 10, 1, 2, 100.0, None, None, NOW), NOW)


def test_a_dataset_shows_the_oldest_of_its_feeds_and_adds_up_their_counts() -> None:
    (group,) = by_dataset([a_feed("gex", "SPY", 20), a_feed("gex", "QQQ", 70), a_feed("gex", "IWM", 50)])
    assert group.worst.key == "QQQ"
    assert (group.requests, group.failures, group.dropped) == (30, 3, 6)
    assert group.ailing == ()


def test_a_refused_feed_comes_before_one_that_is_only_older() -> None:
    (group,) = by_dataset([a_feed("gex", "SPY", 90), a_feed("gex", "QQQ", 10, "refused")])
    assert group.worst.key == "QQQ"
    assert [each.name for each in group.ailing] == ["gex QQQ"]


def test_a_feed_that_answers_in_time_is_as_old_as_its_newest_row() -> None:
    heard, newest = NOW - timedelta(seconds=5), NOW - timedelta(seconds=101)
    told = FeedReported("uw", "gex", "SPY", "ok", heard, "", 1, 0, 0, 100.0, None, None, NOW, newest_row_at=newest)
    view = feed_view(told, NOW)
    assert (view.age, view.row_age, view.is_fine) == (101, 101, False)


def test_a_feed_beyond_its_age_ails_although_it_says_ok() -> None:
    assert [a_feed("gex", "SPY", age).is_fine for age in (99.0, 101.0)] == [True, False]


def test_what_waits_for_its_first_answer_does_not_ail() -> None:
    assert a_feed("gex", "SPY", None, "waiting").is_fine


def test_datasets_keep_the_order_they_came_in() -> None:
    groups = by_dataset([a_feed("b", "*", 1), a_feed("a", "SPY", 1), a_feed("b", "SPY", 1)])
    assert [group.worst.dataset for group in groups] == ["b", "a"]
    assert groups[0].feeds[0].name in {"b", "b SPY"}


def test_the_page_says_quota_and_reset_each_endpoint_the_next_call_and_who_stands_in(
    page: FlaskClient, store: StoreBuilder
) -> None:
    sources = {"unusual_whales": {"quota": {"reset_at": "20:00:00"}}}
    body = json.dumps({"settings": {}, "sources": sources})
    store.add(CONFIG_VERSION, id="C1", number=1, hash="0", body=body, created_at=store.now_text)
    store.add(
        ENDPOINT_DAY, feed="unusual_whales", dataset="spot_gex", day=DAY, calls=1234, errors=3, cost=15_000,
        breaker="open", breaker_failures=5, breaker_retry_at=store.now_text, at=store.now_text,
    )  # fmt: skip
    later = time_text(PAGE_NOW + timedelta(seconds=42))
    store.set(FEED_STATUS, {"dataset": "flow_alerts"}, next_call_at=later, source="alpha_vantage", outcome="limited")
    text = page.get("/feeds").get_data(as_text=True)
    for words in ("120 of 20,000, 0.6 %", "20:00 New York", "1,234", "holds back", "42 s", "rows of alpha vantage"):
        assert words in text, words
    found = page.get("/feeds.json").get_json()
    (quota,) = found["quotas"]
    assert (quota["used"], quota["limit"], quota["resets"], quota["requests"]) == (120, 20_000, "20:00", 360)
    (endpoint,) = found["endpoints"]
    assert (endpoint["calls"], endpoint["errors"], endpoint["cost"]) == (1234, 3, "1.50")
    asked = next(each for each in found["feeds"] if each["dataset"] == "flow_alerts")
    assert (asked["next_in"], asked["outcome"]) == (42.0, "limited")
