"""How a call came out, in one word: each kind of bad answer has its own."""

from __future__ import annotations

from enum import StrEnum


class Outcome(StrEnum):
    """The words of `feed_status.outcome`: how the last call came out. Each kind of bad answer has one of its own."""

    NONE = ""  # not asked yet
    OK = "ok"
    STREAMED = "streamed"  # by the source's stream, not by a call
    ROWS_DROPPED = "rows_dropped"  # some rows could not be read; the others were given on
    EMPTY = "empty"
    NO_ANSWER = "no_answer"
    HTTP_ERROR = "http_error"
    REDIRECTED = "redirected"
    NOT_JSON = "not_json"
    TOO_LARGE = "too_large"
    NO_ROWS = "no_rows"
    UNREADABLE = "unreadable"  # not one row could be read
    FUTURE = "future"  # rows of a time that has not come
    OLD_ROWS = "old_rows"  # answered in time, with rows older than the set may be
    ANCIENT = "ancient"  # rows older than anything of use
    DUPLICATE_PAGE = "duplicate_page"
    CROWDED = "crowded"
    MINUTE_SPENT = "minute_spent"
    QUOTA_SPENT = "quota_spent"
    COST_CAP = "cost_cap"
    REFUSED = "refused"
    NOT_IN_PLAN = "not_in_plan"
    DEMO = "demo"  # a demonstration, not data
    DISAGREES = "disagrees"  # sources that were put together say different things
    NO_KEY = "no_key"  # the source is off: the secret that it needs is not set
    UNKNOWN_TICKER = "unknown_ticker"
    SKIPPED = "skipped"
