"""The feeds by dataset: what ails is in front, and named."""

from datetime import UTC, datetime, timedelta

from bot.domain.events import FeedReported
from bot.web.feeds import FeedView, by_dataset, feed_view

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


def test_a_feed_beyond_its_age_ails_although_it_says_ok() -> None:
    assert [a_feed("gex", "SPY", age).is_fine for age in (99.0, 101.0)] == [True, False]


def test_what_waits_for_its_first_answer_does_not_ail() -> None:
    assert a_feed("gex", "SPY", None, "waiting").is_fine


def test_datasets_keep_the_order_they_came_in() -> None:
    groups = by_dataset([a_feed("b", "*", 1), a_feed("a", "SPY", 1), a_feed("b", "SPY", 1)])
    assert [group.worst.dataset for group in groups] == ["b", "a"]
    assert groups[0].feeds[0].name in {"b", "b SPY"}
