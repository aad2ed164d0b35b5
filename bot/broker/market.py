"""Market data subscriptions as data: the lines that are wanted, those that are open, and the difference between them.

Every line is asked for again on a new connection. What the broker cannot or will not give is not asked for again while
the same thing is wanted. Each concern is a room of its own: the budget (`line_budget`), what is watched for context
(`context`), chains and what is asked for once (`chain_desk`, `quote_snapshots`), whose book is next (`depth_turns`),
what is open (`open_lines`), who a key is (`naming`), ticks (`line_ticks`), refusals and faults (`line_trouble`), which
lines are healthy (`line_health`), who holds which (`line_report`).
"""

from __future__ import annotations

import logging
from collections.abc import Container, Mapping, Sequence
from functools import partial
from typing import Final

from bot.broker.bar_history import BarHistory
from bot.broker.chain_desk import ChainDesk
from bot.broker.context import ContextMembers
from bot.broker.contracts import ContractBook
from bot.broker.depth_turns import DepthTurns
from bot.broker.front_month import FrontMonths
from bot.broker.history import HistoryDesk
from bot.broker.line_budget import LineBudget, Wanted
from bot.broker.line_health import LineHealth
from bot.broker.line_report import LineReport
from bot.broker.line_ticks import LineTicks
from bot.broker.line_trouble import LineTrouble
from bot.broker.lines import BARS, BOOK, QUOTE, TRADES, Line, QuoteLine
from bot.broker.link import LinkHealth
from bot.broker.naming import Naming
from bot.broker.open_lines import OpenLines, group_of
from bot.broker.quote_snapshots import QuoteSnapshots
from bot.broker.settings import BrokerSettings
from bot.broker.wire import Wire
from bot.domain.farms import Group
from bot.domain.instructions import Subscribe
from bot.domain.instruments import InstrumentKind
from bot.domain.lines import Rank
from bot.engine.state.ports import Clock, Sink

log: Final = logging.getLogger(__name__)


class MarketLines:
    """Makes the open lines be those that are wanted, as far as the budget goes."""

    def __init__(
        self,
        settings: BrokerSettings,
        wire: Wire,
        book: ContractBook,
        clock: Clock,
        sink: Sink,
        link: LinkHealth,
        history: HistoryDesk,
    ) -> None:
        self._settings = settings
        self._wire = wire
        self._book = book
        self._asked: dict[Wanted, Rank] = {}  # by the engine
        self._wanted: dict[Wanted, Rank] = {}  # and for context
        self._in_turn: dict[Wanted, Rank] = {}
        self._chain: tuple[str, ...] = ()
        self._quietly_named: set[str] = set()  # of chains: nobody was told who they are
        self._told_evicted: set[str] = set()
        self._turn = 0
        self._lines = OpenLines(settings, wire, book)
        self._budget = LineBudget(settings)
        self._bar_history = BarHistory(book, history, sink)
        self._lines.on_gap = self._bar_history.fill
        self.context = ContextMembers(settings, clock, sink)
        self._depth_turns = DepthTurns(settings, self.sync)
        self.naming = Naming(
            wire, book, clock, sink, settings.request_timeout_s, self._unknown, self.sync, self.context.member,
            FrontMonths(settings.universe, clock, history.day_volume),
        )  # fmt: skip
        self.naming.hush(self._is_asked)
        self.trouble = LineTrouble(
            settings, self._lines, self._budget, self.context, link, clock, sink, self.naming.refuse, self._is_asked,
            self.sync,
        )  # fmt: skip
        self._snapshots = QuoteSnapshots(
            wire, book, self._lines, clock, sink, settings.chain_snapshot_s, partial(self.naming.begin, later=True)
        )
        self.chains = ChainDesk(wire, book, clock, sink, settings.request_timeout_s)
        self.ticks = LineTicks(self._lines, clock, sink, self._broken, self._is_asked)
        self.health = LineHealth(self._lines, link, clock, sink)
        self.report = LineReport(
            self._lines, self._budget, self.context, clock, sink, self._all_shown, self._snapshots
        )  # fmt: skip
        self._want_the_rest()

    def _broken(self, line: Line, why: str) -> None:
        self.trouble.reset(line, why)

    def _is_asked(self, key: str) -> bool:
        """Say whether the engine asks for a key, so that somebody decides on it."""
        return any((key, kind) in self._asked for kind in (QUOTE, BOOK, TRADES, BARS))

    def _unknown(self, key: str, why: str) -> None:
        self._budget.unknown[key] = why
        if not self._is_asked(key) and self.context.member(key) is not None:
            self.context.refuse(key, 200, why)

    def subscribe(self, command: Subscribe) -> None:
        """Make the lines be these, and after them what is watched for context."""
        before = self._asked
        self._asked = {
            (key, kind): Rank.POSITION if key in command.held else Rank.CANDIDATE
            for key, kinds in command.wanted.items()
            for kind in (QUOTE, BOOK, TRADES, BARS)
            if kind in kinds
        }
        self._chain = command.chain
        self._quietly_named.update(command.chain)
        self._want_the_rest()
        self._tell_of_those_known(before)
        self._budget.keep(list(self._all_shown()))
        self.naming.keep({key for key, _ in self._all_shown()})
        self.sync()

    def ask_quotes(self, keys: Sequence[str]) -> None:
        """Ask once for quotes, without holding a line."""
        self._quietly_named.update(keys)
        self._snapshots.ask(keys)

    def _want_the_rest(self) -> None:
        """After what the engine decides on: of its chains as many as may have a line, then what is for context."""
        chain = [(key, QUOTE) for key in self._chain[: self._settings.chain_lines]]
        quotes = [(each.key, QUOTE) for each in self.context.universe]
        prints = [(key, TRADES) for key in self._settings.prints_of]
        bars = [(key, BARS) for key in self._settings.bars_of]
        self._wanted = dict(self._asked)
        for wanted, rank in ((chain, Rank.CANDIDATE), ([*quotes, *prints, *bars], Rank.CONTEXT)):
            for each in wanted:
                self._wanted.setdefault(each, rank)

    def _tell_of_those_known(self, before: Mapping[Wanted, Rank]) -> None:
        """What was named for context alone is told of when the engine asks for it."""
        quiet = self._quietly_named
        members = {key for key, _ in self._asked if self.context.member(key) is not None or key in quiet}
        for key in members - {key for key, _ in before}:
            if self._book.is_complete(key):
                self.naming.tell(key)

    def _all_wanted(self) -> dict[Wanted, Rank]:
        """Return every line that is wanted, with what it is for."""
        return {**self._wanted, **self._in_turn}

    def _all_shown(self) -> dict[Wanted, Rank]:
        """Return the same, with what is seen by snapshots."""
        chain = dict.fromkeys(((key, QUOTE) for key in self._chain), Rank.CANDIDATE)
        return {**self._all_wanted(), **{each: rank for each, rank in chain.items() if each not in self._wanted}}

    def open_all(self) -> None:
        """A new connection: nothing is subscribed there and nothing is refused."""
        self.forget()
        self._depth_turns.begin()
        self.sync()

    def reopen(self, *, cancel: bool) -> None:
        """The same connection lost its subscriptions (nothing to cancel), or may have (cancel): ask again."""
        give_up = self._lines.close if cancel else self._lines.drop
        for wanted in self._lines:
            give_up(wanted)
        self._budget.renew()
        self.sync()

    def forget(self) -> None:
        """The connection is gone, and with it every line."""
        self.naming.forget()
        self._bar_history.forget()
        self._snapshots.forget()
        self.chains.forget()
        self._lines.forget()
        self.trouble.forget()
        self._budget.forget()
        self.context.forget()
        self._depth_turns.stop()

    def sync(self) -> None:
        """Close what is wanted no more or has to make room, open what is wanted and not open."""
        if not self._wire.ready:
            return
        self._in_turn = self._books_in_turn()
        wanted = self._all_wanted()
        planned, over = self._budget.plan(wanted, wanted.__getitem__)
        self._lines.left_out = set(over)
        self.trouble.overflow([each for each in over if each in self._asked])
        for each in [each for each in self._lines if each not in planned]:
            if each in wanted:
                self._say_evicted(each, wanted[each])
            self._lines.close(each)
        for each in planned:
            if self._is_another_now(each) or (each in self._asked and self._lines.waits_for_others(each)):
                self._lines.close(each)
            if each not in self._lines:
                self._open(each)
        self._look_at_the_chain_without_lines(planned)

    def _is_another_now(self, wanted: Wanted) -> bool:
        """Say whether a line is of what a key was before: another month of a future is the front by now."""
        line = self._lines.line(wanted)
        return line is not None and line.contract.conId != self._book.con_id(wanted[0])

    def new_day(self) -> None:
        """Ask which months of the futures are the front today; a line of another one is opened in place of the old."""
        for member in self.context.universe:
            if member.kind is InstrumentKind.FUTURE and self._book.is_complete(member.key):
                self.naming.begin(member.key, later=True)

    def _look_at_the_chain_without_lines(self, planned: Container[Wanted]) -> None:
        """What of the chain is beyond the budget is asked for once now and then."""
        without = [key for key in self._chain if (key, QUOTE) not in planned]
        self._snapshots.keep([key for key in without if not self._budget.refused((key, QUOTE))])

    def _books_in_turn(self) -> dict[Wanted, Rank]:
        """Return the books that are watched beside those that the engine asks for, whose turn it is."""
        asked = [key for key, kind in self._asked if kind == BOOK]
        free = self._budget.allowed[BOOK] - len(asked)
        candidates = [key for (key, kind), rank in self._asked.items() if kind == QUOTE and rank is Rank.CANDIDATE]
        turn = self._depth_turns.keys(candidates, free, self._may_have_a_book)
        return {(key, BOOK): Rank.CONTEXT for key in turn if key not in asked}

    def _may_have_a_book(self, key: str) -> bool:
        contract = self._book.ib_contract(key)
        refused = self._budget.refused((key, BOOK))
        return contract is not None and contract.secType != "IND" and not refused and self._book.is_complete(key)

    def _say_evicted(self, wanted: Wanted, rank: Rank) -> None:
        key, kind = wanted
        if kind == QUOTE and key not in self._told_evicted:  # a book that goes has had its turn
            self._told_evicted.add(key)  # again and again in a day, as what is near the money moves: `lines` shows it
            log.info("the %s line of %s (%s) makes room for a more important one", kind, key.strip(), rank.word)

    def _open(self, wanted: Wanted) -> None:
        later = wanted not in self._asked
        if not self._lines.open(*wanted, later=later):
            self.naming.begin(wanted[0], later=later)
        elif wanted[1] == BARS:
            self._bar_history.begin(wanted[0])

    def groups(self) -> dict[str, Group]:
        """Return the quote lines by what serves them, and when each group last spoke; times are the loop's."""
        return self._lines.groups()

    def ask_anew(self, group: str) -> None:
        """Ask for one quote line of a group again, another one each time: a farm that is there answers at once, also
        where the market stands still."""
        members = [w for w, line in self._lines.items() if isinstance(line, QuoteLine) and group_of(line) == group]
        if not members:
            return
        self._turn += 1
        wanted = members[-self._turn % len(members)]  # from the least important on
        self._lines.close(wanted)
        self._open(wanted)

    def is_mine(self, request_id: int) -> bool:
        return self._lines.is_mine(request_id)

    @property
    def open_lines(self) -> frozenset[Wanted]:
        return frozenset(self._lines)
