"""Every command of Telegram, one row each: name, other names, arguments, who may use it, what it shows or asks.

A command that reads is a function of the store (`bot.admin.figures`); one that acts makes a request
(`bot.admin.acts`), whose roles are those of the table of requests. A new command is a function and a row.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from sqlalchemy import Connection

from bot.admin import acts, figures
from bot.admin.acts import Ask
from bot.admin.texts import ChatAnswer
from bot.alerts.ground import PeopleGround
from bot.domain.actors import Role
from bot.domain.events.people import RequestKind
from bot.domain.requests import REQUESTS

K = RequestKind
Show = Callable[[Connection, PeopleGround, str], ChatAnswer]
Make = Callable[[Connection, PeopleGround, str], Ask]


@dataclass(frozen=True, slots=True)
class Command:
    """One row. `show` answers from the store, `make` makes a request, one of `kinds`; a command with both shows without
    arguments and asks with some."""

    name: str
    does: str
    arguments: str = ""
    show: Show | None = None
    make: Make | None = None
    kinds: tuple[RequestKind, ...] = ()
    aliases: tuple[str, ...] = ()

    def may(self, role: Role) -> bool:
        """Say whether somebody of this role has any use for it."""
        return self.show is not None or any(REQUESTS[kind].may(role) for kind in self.kinds)

    def acts(self, arguments: str) -> bool:
        """Say whether it asks for something, with these arguments."""
        return self.make is not None and (self.show is None or bool(arguments))

    @property
    def usage(self) -> str:
        names = "".join(f", /{alias}" for alias in self.aliases)
        return f"/{self.name}{f' {self.arguments}' if self.arguments else ''}{names}"


_ROWS: Final = (
    Command("status", "open positions, or one of them", "[ID|table]", figures.status),
    Command("count", "how many positions, signals and orders", show=figures.count),
    Command("profit", "profit and loss, of all or of n days", "[n]", figures.profit),
    Command("daily", "P&L by day", "[n]", figures.periods("daily")),
    Command("weekly", "P&L by week", "[n]", figures.periods("weekly")),
    Command("monthly", "P&L by month", "[n]", figures.periods("monthly")),
    Command("performance", "closed trades by strategy, symbol, hour or reason", "[by]", figures.performance),
    Command("balance", "what the account is worth", show=figures.balance),
    Command("trades", "the last n closed trades", "[n]", figures.trades),
    Command("order", "one order and its fills", "ID", figures.order),
    Command("positions", "open positions", show=figures.positions),
    Command("signals", "signals, the living first", show=figures.signals),
    Command("why", "why a trade was made, or not", "ID", figures.why),
    Command("risk", "limits, and how near they are", show=figures.risk),
    Command("feeds", "data sets and their ages", show=figures.feeds),
    Command("report", "the day so far; draft it as a report and ask for it", "[ask]", figures.report,
            acts.ask_for_report, (K.REPORT_DRAFT,)),
    Command("machines", "how many of each machine are in which state", "[name]", figures.machines),
    Command("approve", "approve a signal", "ID", make=acts.approve, kinds=(K.APPROVE,)),
    Command("reject", "reject a signal", "ID [why]", make=acts.reject, kinds=(K.REJECT,)),
    Command("edit", "change a signal's terms", "ID qty 3 limit 2.40 stop 1.20", make=acts.edit, kinds=(K.EDIT,)),
    Command("ack", "alerts that wait; acknowledge one, or all", "[ID|all]", figures.alerts, acts.acknowledge, (K.ACK,)),
    Command("unack", "take an acknowledgement back", "ID", make=acts.unacknowledge, kinds=(K.UNACK,)),
    Command("quiet", "when warnings wait for a digest; choose your own hours", "[22:00-07:00|off|usual]",
            figures.quiet, acts.quiet, (K.QUIET,)),
    Command("pause", "no new entries", "[why]", make=acts.of_kind(K.PAUSE), kinds=(K.PAUSE,),
            aliases=("stop", "stopentry")),
    Command("resume", "entries again", "[SYMBOL]", make=acts.resume, kinds=(K.RESUME, K.RESUME_SYMBOL),
            aliases=("start",)),
    Command("halt", "no entries until an owner resumes", "[why]", make=acts.of_kind(K.HALT), kinds=(K.HALT,)),
    Command("forceexit", "sell a position, or all", "ID|all", make=acts.close, kinds=(K.CLOSE, K.FLATTEN),
            aliases=("fx",)),
    Command("flatten", "sell everything and pause", make=acts.of_kind(K.FLATTEN), kinds=(K.FLATTEN,)),
    Command("cancel_open_order", "take an entry order back, or all", "ID|all", make=acts.cancel_order,
            kinds=(K.CANCEL_ORDER, K.CANCEL_ALL), aliases=("coo",)),
    Command("strategies", "strategies; switch one", "[NAME on|shadow|off]", figures.strategies, acts.switch,
            (K.STRATEGY,)),
    Command("reload_config", "read the settings anew", make=acts.of_kind(K.RELOAD_CONFIG), kinds=(K.RELOAD_CONFIG,)),
    Command("show_config", "settings in force", "[section]", figures.show_config),
    Command("logs", "what happened last", "[n]", figures.logs),
    Command("health", "ticks, broker, data, jobs", show=figures.health),
    Command("version", "what runs here", show=figures.version),
)  # fmt: skip

COMMANDS: Final[Mapping[str, Command]] = MappingProxyType(
    {name: row for row in _ROWS for name in (row.name, *row.aliases)}
)
"""By every name; `help` is the desk's own."""


def for_role(role: Role) -> Iterator[Command]:
    """Yield the commands that somebody of a role has a use for, in the order of the table."""
    return (row for row in _ROWS if row.may(role))


def help_text(role: Role) -> str:
    lines = [f"{row.usage}: {row.does}" for row in for_role(role)]
    return "\n".join([f"What you may do here, as {role}", *lines, "/help: this list"])
