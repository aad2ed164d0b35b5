"""One thing that a feed asks for again and again: what to ask, when next, and how it has gone so far."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from bot.domain.events.feeds import FeedReported
from bot.engine.state.ports import TradingCalendar
from bot.feeds.expansions import Choice, Filling, choices
from bot.feeds.outcome import Outcome
from bot.feeds.paging import Progress
from bot.feeds.quota import Quota
from bot.feeds.rows import Parsed, ParserMemory, Reads
from bot.feeds.sources import EndpointSettings, SourceSettings
from bot.feeds.transport import Params


class FeedState(StrEnum):
    """The words of `feed_status.state`."""

    OK = "ok"
    WAITING = "waiting"  # for the session, for quota, or for a first answer
    RETRYING = "retrying"
    OPEN = "open"  # the breaker: left alone for a while
    REFUSED = "refused"  # by the vendor, as a whole
    DISABLED = "disabled"  # this endpoint or symbol; asked about once in a long while
    REMOVED = "removed"  # taken out of the settings while the bot runs


class Target:
    """One (data set, key). Times are of the bot's clock."""

    def __init__(self, settings: EndpointSettings, choice: Choice, tickers: Sequence[str], place: int, of: int) -> None:
        self.settings, self.choice, self.key = settings, choice, choice.key
        self._tickers = tuple(tickers)
        self.place, self.of = place, of
        self.next_due: datetime | None = None  # None: at the first opportunity
        self.busy = False
        self.attempts = 0
        self.pages = 1  # of the last answer
        self.state = FeedState.WAITING
        self.outcome = Outcome.NONE
        self.last_error = ""
        self.last_success_at: datetime | None = None
        self.newest_row_at: datetime | None = None  # by the vendor's own time; None where rows have none
        self.requests = self.failures = self.dropped = 0
        self.progress = Progress()
        self.given_up = False  # the vendor does not give it; the next answer with rows ends that
        self.memory = ParserMemory()
        self.stand_in = ""  # the source whose rows are given on in place of this one's
        self.rest_every: timedelta | None = None  # while its rows come by the source's stream: how often REST is asked
        self._latest: tuple[Any, ...] = ()
        self._extra: set[Hashable] = set()  # rows that only the stream has, since the last answer
        self._window: dict[Hashable, Any] = {}
        self._by_stream: dict[Hashable, None] = {}  # of the window, what REST has not said yet
        self._told: tuple[object, ...] | None = None
        self._told_at: datetime | None = None

    def is_due(self, now: datetime) -> bool:
        return self.next_due is None or self.next_due <= now

    def is_fresh(self, now: datetime) -> bool:
        """Say whether what the source gave last is not too old."""
        heard = self.last_success_at
        return heard is not None and now - heard <= timedelta(seconds=self.settings.max_age_s)

    def path(self, calendar: TradingCalendar, now: datetime) -> str:
        return Filling(self.choice, self._tickers, calendar, now).fill(self.settings.path)

    def params(self, calendar: TradingCalendar, now: datetime, paging: Params = ()) -> Params:
        """Return the query: params filled in, a list as its name again and again, and what says which page it is."""
        filling = Filling(self.choice, self._tickers, calendar, now)
        filled = [
            (name, filling.fill(_written(value)))
            for name, said in self.settings.params.items()
            for value in (said if isinstance(said, tuple) else (said,))
        ]
        return [*filled, *paging]

    def succeeded(self, now: datetime, fault: str, next_due: datetime) -> None:
        self.last_success_at, self.attempts, self.given_up = now, 0, False
        self.state, self.last_error, self.next_due, self.stand_in = FeedState.OK, fault, next_due, ""
        self.outcome = Outcome.ROWS_DROPPED if fault else Outcome.OK

    def rows_are_of(self, source_at: datetime | None) -> None:
        """Note the vendor's own time of the newest row."""
        self.newest_row_at = source_at

    def row_age_s(self, now: datetime) -> float:
        """Return the newest row's age by the vendor's own time, zero where rows have none."""
        return (now - self.newest_row_at).total_seconds() if self.newest_row_at is not None else 0.0

    def rows_are_old(self, now: datetime) -> bool:
        """Say whether the vendor answered in time with rows that are too old."""
        return self.row_age_s(now) > self.settings.max_age_s

    def failed(
        self, reason: str, retry_at: datetime, state: FeedState = FeedState.RETRYING, outcome: Outcome | None = None
    ) -> None:
        self.failures += 1
        self.outcome = outcome or self.outcome
        self.put_off(reason, retry_at, state)

    def put_off(self, reason: str, until: datetime, state: FeedState = FeedState.WAITING) -> None:
        self.state, self.last_error, self.next_due = state, reason, until

    def held(self, reason: str) -> None:
        """It is due and there is no room for it now."""
        self.state, self.last_error = FeedState.WAITING, reason

    def give_up(self, reason: str, probe_at: datetime, outcome: Outcome) -> None:
        self.given_up, self.outcome = True, outcome
        self.put_off(reason, probe_at, FeedState.DISABLED)

    def keep(self, parsed: Parsed[Any], reads: Reads, now: datetime, *, by_stream: bool = False) -> tuple[Any, ...]:
        """Return the rows to give on: those of this answer or, with a cursor, the window of the last `keep_seconds`.
        What the stream said moves no cursor: what was lost on the way is still asked for."""
        most = self.settings.keep_rows
        if not self.settings.cursor:
            self._latest = parsed.rows[-most:]
            self._extra.clear()
            return self._latest
        self._window.update(self._told_once(parsed, reads, by_stream=by_stream))
        oldest = now - timedelta(seconds=self.settings.keep_seconds)
        timed = {id_: (row, at) for id_, row in self._window.items() if (at := reads.time_of(row)) is not None}
        self._window = {id_: row for id_, (row, at) in timed.items() if at >= oldest}
        times = [at for row in parsed.rows if (at := reads.time_of(row)) is not None]
        if times and not by_stream:
            self.progress.hear(max(times), now)
        ordered = sorted(self._window.items(), key=lambda each: (reads.time_of(each[1]) or oldest, str(each[0])))
        self._window = dict(ordered[-most:])
        return tuple(self._window.values())

    def _told_once(self, parsed: Parsed[Any], reads: Reads, *, by_stream: bool) -> dict[Hashable, Any]:
        """Return the rows of an answer or of the stream by identity, each that both said once: as REST has it."""
        rows = {reads.identity_of(row): row for row in parsed.rows}
        if by_stream:
            known = {reads.alike_of(row) for id_, row in self._window.items() if id_ not in self._by_stream}
            rows = {id_: row for id_, row in rows.items() if reads.alike_of(row) not in known}
            self._by_stream.update((id_, None) for id_ in rows)
        elif self._by_stream:
            said = {reads.alike_of(row) for row in rows.values()}
            for id_ in [each for each in self._by_stream if each not in self._window]:
                del self._by_stream[id_]
            for id_ in [each for each in self._by_stream if reads.alike_of(self._window[each]) in said]:
                del self._window[id_], self._by_stream[id_]
        return rows

    def add(self, parsed: Parsed[Any], reads: Reads, now: datetime) -> tuple[Any, ...]:
        """Return the rows to give on when the stream has said more: those of the last answer with the new ones among
        them. Of a series only its newest moment is kept beyond the answer; what lies between comes with the next."""
        if self.settings.cursor:
            return self.keep(parsed, reads, now, by_stream=True)
        rows = {reads.identity_of(row): row for row in self._latest}
        for row in parsed.rows:
            identity = reads.identity_of(row)
            if identity not in rows and isinstance(identity, datetime):
                for before in [each for each in self._extra if isinstance(each, datetime) and each < identity]:
                    rows.pop(before, None)
                    self._extra.discard(before)
                self._extra.add(identity)
            rows[identity] = row
        if all(isinstance(identity, datetime) for identity in rows):
            rows = dict(sorted(rows.items(), key=lambda each: str(each[0])))
        self._latest = tuple(rows.values())
        return self._latest

    @property
    def tickers(self) -> tuple[str, ...]:
        """Return whom it is about: its own symbol, or all where it is asked for all at once."""
        return (self.choice.ticker,) if self.choice.ticker else self._tickers

    def channels(self, template: str, calendar: TradingCalendar, now: datetime) -> tuple[str, ...]:
        """Return the channels of the source's stream that say its rows: one, or one for each of its symbols."""
        if self.choice.ticker or "{ticker}" not in template:
            return (self.filled(template, calendar, now),)
        return tuple(self.filled(template.replace("{ticker}", each), calendar, now) for each in self._tickers)

    def filled(self, template: str, calendar: TradingCalendar, now: datetime) -> str:
        """Return a template with this target's words in its braces."""
        return Filling(self.choice, self._tickers, calendar, now).fill(template)

    def report_due(self, now: datetime, every_s: float) -> bool:
        """Say whether there is news, or the last word is old."""
        if self._told_at is None or self._told != self._news():
            return True
        return now - self._told_at >= timedelta(seconds=every_s)

    def report(self, feed: str, quota: Quota, now: datetime) -> FeedReported:
        self._told, self._told_at = self._news(), now
        return FeedReported(
            feed=feed,
            dataset=self.settings.name,
            key=self.key,
            state=self.state.value,
            last_success_at=self.last_success_at,
            last_error=self.last_error,
            requests=self.requests,
            failures=self.failures,
            dropped=self.dropped,
            max_age_s=self.settings.max_age_s,
            quota_used=quota.used,
            quota_limit=quota.limit,
            at=now,
            outcome=self.outcome.value,
            next_call_at=self.next_due,
            source=self.stand_in or feed,
            priority=self.settings.priority.value,
            newest_row_at=self.newest_row_at,
        )

    def _news(self) -> tuple[object, ...]:
        return self.state, self.last_error, self.outcome, self.stand_in


def targets_of(endpoint: EndpointSettings, source: SourceSettings) -> list[Target]:
    """Return the targets of an endpoint, none when it is not enabled."""
    if not endpoint.enabled:
        return []
    tickers = source.symbols if endpoint.symbols is None else endpoint.symbols
    templates = (endpoint.path, *endpoint.written_params())
    chosen = list(choices(templates, tickers, endpoint.expand))
    return [Target(endpoint, choice, tickers, place, len(chosen)) for place, choice in enumerate(chosen)]


def _written(value: str | float | bool) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
