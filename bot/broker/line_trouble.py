"""What the broker says against a line, by what happens next: waited out, asked anew, or given up and told of."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final

from bot.broker import words
from bot.broker.context import ContextMembers
from bot.broker.line_budget import LineBudget, Wanted
from bot.broker.lines import QUOTE, TRADES, BookLine, Line
from bot.broker.link import LinkHealth
from bot.broker.open_lines import OpenLines
from bot.broker.settings import BrokerSettings
from bot.broker.words import LineWord
from bot.domain.errors import UnknownWord
from bot.domain.events.people import AlertRaised
from bot.domain.line_refusals import is_given_up, lately_broken, rest_s
from bot.engine.state.ports import Clock, Sink

TAPE_PAUSE_S: Final = 15.5
PACED_PAUSE_S: Final = 30.0
ALLOWANCE_PAUSE_S: Final = 120.0
"""The account may have a line more by then: another program gave one back, or TWS had not heard yet that we did."""


class LineTrouble:
    """`on_unknown(key, why)`: the broker does not know the contract; `sync`: have what is wanted asked for again."""

    def __init__(
        self, settings: BrokerSettings, lines: OpenLines, budget: LineBudget, context: ContextMembers, link: LinkHealth,
        clock: Clock, sink: Sink, on_unknown: Callable[[str, str], None], is_asked: Callable[[str], bool],
        sync: Callable[[], None],
    ) -> None:  # fmt: skip
        self._settings = settings
        self._lines = lines
        self._budget = budget
        self._context = context
        self._is_asked = is_asked
        self._link = link
        self._clock = clock
        self._sink = sink
        self._on_unknown = on_unknown
        self._sync = sync
        self._refusals_told: set[tuple[str, str, int]] = set()
        self._resets: dict[Wanted, list[float]] = {}
        self._overflow_told = False
        self._timers: list[asyncio.TimerHandle] = []
        self._growing: set[str] = set()

    def forget(self) -> None:
        """The connection is gone."""
        for timer in self._timers:
            timer.cancel()
        self._timers.clear()
        self._growing.clear()
        self._refusals_told.clear()
        self._resets.clear()

    def error(self, request_id: int, code: int, text: str) -> None:
        """Take an error about a line; raises UnknownWord after giving the line up."""
        line = self._lines.of_request(request_id)
        wanted = self._lines.wanted_of(line) if line is not None else None
        if line is None or wanted is None:
            return  # already closed
        try:
            word = words.line_word(code)
        except UnknownWord:
            if code not in words.NOTICE_RANGE:
                self._wait_for_ticks(wanted, line, code, text)
            raise
        self._on_word(word, wanted, line, code, text)

    def _on_word(self, word: LineWord, wanted: Wanted, line: Line, code: int, text: str) -> None:
        match word:
            case LineWord.NOTICE:
                return
            case LineWord.HALTED:
                self.reset(line, f"{code}: {text}")
            case LineWord.RESET:
                self._begin_anew(line)
            case LineWord.PACED:
                self._lines.drop(wanted)
                self._wait(wanted, f"{code} {text}".strip(), PACED_PAUSE_S)
            case LineWord.COMPETING:
                self._link.competing(text)
            case LineWord.TOO_MANY:
                self._too_many(wanted, code, text)
            case LineWord.UNKNOWN_CONTRACT:
                self._lines.drop(wanted)
                self._on_unknown(wanted[0], f"{code}: {text}")
                self._sync()
            case LineWord.NOT_SUBSCRIBED:
                self._wait_for_ticks(wanted, line, code, text)
            case LineWord.FAULT:
                self._lines.drop(wanted)
                self._give_up(wanted, code, text)

    def _wait_for_ticks(self, wanted: Wanted, line: Line, code: int, text: str) -> None:
        """What is refused may be a part of what was asked for (10090): a line that ticks from now on is one."""
        line.answered, self._lines.moved = False, True  # until it ticks, what it said is no price of now
        self._lines.ticked.discard(line.request_id)
        asyncio.get_running_loop().call_later(self._settings.line_quiet_s, self._look_again, wanted, line, code, text)

    def _look_again(self, wanted: Wanted, line: Line, code: int, text: str) -> None:
        is_open, ticked = self._lines.line(wanted) is line, line.request_id in self._lines.ticked
        if not is_given_up(is_open=is_open, ticked=ticked):
            return
        self._lines.close(wanted)
        self._give_up(wanted, code, text)
        self._sync()  # its place is free

    def _give_up(self, wanted: Wanted, code: int, text: str) -> None:
        self._budget.given_up[wanted] = f"{code} {text}".strip()
        self._refused(wanted, code, text)

    def _too_many(self, wanted: Wanted, code: int, text: str) -> None:
        """The venue allows fewer lines than our budget says: shrink it, so that the least important line goes."""
        _, kind = wanted
        self._lines.drop(wanted)
        if kind == TRADES:
            self._retry_tape(wanted, code, text)
            return
        self._budget.allowed[kind] = self._lines.count(kind)
        self._refused(wanted, code, text)
        self._overflow_told = True
        self._sync()
        if kind not in self._growing:
            self._growing.add(kind)
            self._later(ALLOWANCE_PAUSE_S, lambda: self._grow(kind))

    def _grow(self, kind: str) -> None:
        """Try one line more, and go on while there are fewer than the settings allow."""
        self._growing.discard(kind)
        if self._budget.grow(kind):
            self._growing.add(kind)
            self._later(ALLOWANCE_PAUSE_S, lambda: self._grow(kind))
            self._sync()

    def _retry_tape(self, wanted: Wanted, code: int, text: str) -> None:
        """A tape may be asked for once in 15 s per instrument, and the code is the same as for too many tapes."""
        self._refused(wanted, code, text)
        self._wait(wanted, f"{code} {text}".strip(), TAPE_PAUSE_S)

    def _wait(self, wanted: Wanted, why: str, seconds: float) -> None:
        """Do not ask for a line until so many wall seconds have passed."""
        self._budget.given_up[wanted] = why
        self._later(seconds, lambda: self._allow(wanted))

    def _allow(self, wanted: Wanted) -> None:
        self._budget.given_up.pop(wanted, None)
        self._sync()

    def _later(self, seconds: float, call: Callable[[], None]) -> None:
        loop = asyncio.get_running_loop()
        self._timers = [each for each in self._timers if each.when() > loop.time()]
        self._timers.append(loop.call_later(seconds, call))

    def _begin_anew(self, line: Line) -> None:
        """What the line said is void; the venue says all of it again, and nothing has to be asked for."""
        if isinstance(line, BookLine):
            line.clear()
            line.answered, self._lines.moved = False, True
            self._lines.changed[line.request_id] = line

    def reset(self, line: Line, reason: str) -> None:
        """The book is not what the venue holds: empty it and subscribe anew."""
        if isinstance(line, BookLine):
            line.clear()
        wanted = self._lines.wanted_of(line)
        if wanted is None:
            return
        self._lines.close(wanted)
        now = asyncio.get_running_loop().time()
        before = self._resets.get(wanted, [])
        self._resets[wanted] = [*lately_broken(before, now), now]
        seconds = rest_s(before, now)
        if seconds is not None:
            self._refused(wanted, 0, reason)
            self._wait(wanted, reason, seconds)
            return
        self._sync()

    def _refused(self, wanted: Wanted, code: int, text: str) -> None:
        """Say once for each line and reason that it is not to be had."""
        key, kind = wanted
        if not self._is_asked(key) and self._context.member(key) is not None:
            if kind == QUOTE:
                self._context.refuse(key, code, text)
            return
        if (key, kind, code) in self._refusals_told:
            return
        self._refusals_told.add((key, kind, code))
        facts = {"key": key, "kind": kind, "code": code, "text": text}
        words_said = f"no {kind} for {key.strip()}: {code} {text}"
        self._sink(AlertRaised("LINE_REFUSED", words_said, facts, self._clock.now()))

    def overflow(self, over: list[Wanted]) -> None:
        """Say once that more is wanted than there is room for."""
        if not over:
            self._overflow_told = False
        elif not self._overflow_told:
            self._overflow_told = True
            left_out = [f"{key.strip()}/{kind}" for key, kind in over]
            facts = {"budgets": dict(self._budget.allowed), "left_out": left_out}
            said = f"{len(over)} market data lines are beyond the budget"
            self._sink(AlertRaised("LINE_BUDGET", said, facts, self._clock.now()))
