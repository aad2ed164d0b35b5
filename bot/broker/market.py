"""Market data subscriptions as data: the lines that are wanted, those that are open, and the difference between them.

Every line is asked for again on a new connection. What the broker cannot or will not give is not asked for again while
the same thing is wanted. Each concern is a room of its own: the budget (`line_budget`), what is open (`open_lines`),
who a key is (`naming`), ticks (`line_ticks`), refusals and faults (`line_trouble`), which lines are healthy
(`line_health`).
"""

from __future__ import annotations

from bot.broker.contracts import ContractBook
from bot.broker.line_budget import LineBudget, Wanted
from bot.broker.line_health import LineHealth
from bot.broker.line_ticks import LineTicks
from bot.broker.line_trouble import LineTrouble
from bot.broker.lines import BOOK, QUOTE, TRADES, Line, QuoteLine
from bot.broker.link import LinkHealth
from bot.broker.naming import Naming
from bot.broker.open_lines import OpenLines, group_of
from bot.broker.settings import BrokerSettings
from bot.broker.wire import Wire
from bot.domain.farms import Group
from bot.domain.instructions import Subscribe
from bot.engine.state.ports import Clock, Sink


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
    ) -> None:
        self._wire = wire
        self._wanted: list[Wanted] = []
        self._turn = 0
        self._lines = OpenLines(settings, wire, book)
        self._budget = LineBudget(settings)
        self.naming = Naming(wire, book, clock, sink, settings.request_timeout_s, self._budget.unknown.add, self.sync)
        self.trouble = LineTrouble(
            settings, self._lines, self._budget, link, clock, sink, self.naming.refuse, self.sync
        )  # fmt: skip
        self.ticks = LineTicks(self._lines, clock, sink, self._broken)
        self.health = LineHealth(self._lines, link, clock, sink)

    def _broken(self, line: Line, why: str) -> None:
        self.trouble.reset(line, why)

    def subscribe(self, command: Subscribe) -> None:
        """Make the lines be these."""
        self._wanted = [
            (key, kind) for key, kinds in command.wanted.items() for kind in (QUOTE, BOOK, TRADES) if kind in kinds
        ]
        self._budget.keep(self._wanted)
        self.naming.keep({key for key, _ in self._wanted})
        self.sync()

    def open_all(self) -> None:
        """A new connection: nothing is subscribed there and nothing is refused."""
        self.forget()
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
        self._lines.forget()
        self.trouble.forget()
        self._budget.forget()

    def sync(self) -> None:
        """Close what is wanted no more, open what is wanted and not open."""
        if not self._wire.ready:
            return
        planned, over = self._budget.plan(self._wanted)
        self.trouble.overflow(over)
        for wanted in [each for each in self._lines if each not in planned]:
            self._lines.close(wanted)
        for wanted in planned:
            if wanted not in self._lines:
                self._open(wanted)

    def _open(self, wanted: Wanted) -> None:
        if not self._lines.open(*wanted):
            self.naming.begin(wanted[0])

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
