"""What people and other processes may ask of the bot, and who may ask it: one table.

Context: a request was spelled in five places, and nobody asked whether its actor may make it: an actor named `overseer`
could approve a trade. Decision: kind, payload, label, question, danger, needs and roles stand here; page and command
line render this table, the engine checks it before any handler. Consequence: a new request is one row here and one
handler in `bot.engine.requested`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from types import MappingProxyType
from typing import Any, Final

from bot.domain.actors import Actor, Role
from bot.domain.events.people import RequestKind
from bot.domain.machine import Lifecycle

# ---- what is asked


class Danger(StrEnum):
    """How a page asks before a request goes out."""

    CALM = "calm"  # goes out at once
    ASKED = "asked"  # is asked about first
    SELLS = "sells"  # is asked about first, and sells what is held


class Subject(StrEnum):
    """What a field of a payload names."""

    SIGNAL = "signal"
    POSITION = "position"
    UNSETTLED = "unsettled position"
    SYMBOL = "symbol"
    HOLDING = "holding"
    PRICE = "price"
    REQUEST = "request"
    REASON = "reason"
    INSISTED = "insisted"
    ORDER = "order"
    STRATEGY = "strategy"
    ALERT = "alert"
    TARGET = "target"  # of a channel
    TERM = "term"  # a number of an order, as it was typed
    CHOICE = "choice"  # one of a few words
    PERSON = "person"  # of people.users
    REPORT = "report"
    TEXT = "text"  # several lines


@dataclass(frozen=True, slots=True)
class Need:
    """One field of a payload: its key, what it names and its words for a person who fills it in."""

    name: str
    subject: Subject
    words: str = ""
    required: bool = True


@dataclass(frozen=True, slots=True)
class Request:
    """One kind of request. `does` is its one sentence for help texts, `question` is asked before it goes out.
    `roles` may make it; while the session is halted only `roles_halted` may, where that is given. `lasts_longer`: it is
    an emergency, and waits longer for a bot before it dies."""

    kind: RequestKind
    label: str
    does: str
    roles: frozenset[Role]
    needs: tuple[Need, ...] = ()
    question: str = ""
    danger: Danger = Danger.CALM
    roles_halted: frozenset[Role] | None = None
    lasts_longer: bool = False
    on_page: bool = True  # has a button

    @property
    def target(self) -> Need | None:
        """What the request is about: its first field that names a thing."""
        return next((need for need in self.needs if need.subject in _THINGS), None)

    @property
    def value(self) -> Need | None:
        """The number that has to be told with it."""
        return next((need for need in self.needs if need.subject is Subject.PRICE), None)

    def may(self, role: Role, *, halted: bool = False) -> bool:
        return role in self.allowed(halted=halted)

    def allowed(self, *, halted: bool) -> frozenset[Role]:
        return self.roles_halted if halted and self.roles_halted is not None else self.roles


_THINGS: Final = frozenset(
    {
        Subject.SIGNAL, Subject.POSITION, Subject.UNSETTLED, Subject.SYMBOL, Subject.HOLDING, Subject.REQUEST,
        Subject.ORDER, Subject.STRATEGY, Subject.ALERT, Subject.TARGET, Subject.REPORT,
    }
)  # fmt: skip
_OWNER: Final = frozenset({Role.OWNER})
_OPERATORS: Final = _OWNER | {Role.OPERATOR}
_APPROVERS: Final = _OPERATORS | {Role.APPROVER}
_REASON: Final = Need("reason", Subject.REASON, "Why, for the record.", required=False)
_SIGNAL: Final = Need("signal_id", Subject.SIGNAL, "A signal's id, or the end of it.")
_POSITION: Final = Need("position_id", Subject.POSITION, "A position's id, or the end of it.")
_UNSETTLED: Final = Need("position_id", Subject.UNSETTLED, "A position's id, or the end of it.")
_PRICE: Final = Need(
    "price", Subject.PRICE, "Settlement price of the underlying, in dollars; of what somebody else sold, the option's"
)
_REPORT: Final = Need("report_id", Subject.REPORT, "A report's id, or the end of it.")
_INSISTED: Final = Need("insisted", Subject.INSISTED, "The price is far from what was seen, and is right.", False)

K = RequestKind
REQUESTS: Final[Mapping[RequestKind, Request]] = MappingProxyType(
    {
        request.kind: request
        for request in (
            Request(
                K.APPROVE,
                "Approve",
                "Approve a signal that waits for a person; rules and margin are checked once more.",
                _APPROVERS,
                (_SIGNAL, Need("seen", Subject.TERM, "How often it had been edited when you saw its terms.", False)),
            ),
            Request(
                K.REJECT,
                "Reject",
                "Reject a signal that is not working yet.",
                _APPROVERS | {Role.OVERSEER},
                (_SIGNAL, _REASON),
            ),
            Request(
                K.EDIT,
                "Edit",
                "Change quantity, limit or stop of a signal that waits for a person, never above what rules and sizing "
                "allow; it is asked anew with the new terms.",
                _APPROVERS,
                (
                    _SIGNAL,
                    Need("quantity", Subject.TERM, "Contracts to buy.", False),
                    Need("limit", Subject.TERM, "Limit in dollars a share.", False),
                    Need("stop", Subject.TERM, "First stop in dollars a share.", False),
                ),
            ),
            Request(
                K.PAUSE,
                "Pause entries",
                "Allow no new entries; open positions are managed to their end.",
                _OPERATORS | {Role.OVERSEER, Role.RULES},
                (_REASON,),
            ),
            Request(
                K.RESUME,
                "Resume",
                "Allow entries again after a pause or a halt.",
                _OPERATORS,
                roles_halted=_OWNER,
            ),
            Request(
                K.RESUME_SYMBOL,
                "Allow entries",
                "Allow entries again on a symbol that somebody else's trade halted.",
                _OPERATORS,
                (Need("symbol", Subject.SYMBOL, "A symbol that is halted, SPY say."),),
            ),
            Request(
                K.HALT,
                "Halt",
                "Allow no new entries until a person resumes; open positions are managed to their end.",
                _OPERATORS | {Role.OVERSEER, Role.RULES},
                (_REASON,),
            ),
            Request(
                K.CLOSE,
                "Close position",
                "Sell what is left of a position at the market.",
                _OPERATORS,
                (_POSITION,),
                "All that is left of it is sold at the market now.",
                Danger.SELLS,
            ),
            Request(
                K.MOVE_STOP,
                "Move stop",
                "Raise the stop of a position, never lower it: above where it stands and below the bid.",
                _OPERATORS,
                (_POSITION, Need("stop", Subject.TERM, "New stop in dollars a share.")),
                "The stop is raised, and cannot be lowered again.",
                Danger.ASKED,
            ),
            Request(
                K.SETTLE,
                "Tell settlement price",
                "Tell the underlying's settlement price of a position that went through its expiry, or what a share of "
                "an option brought that somebody else sold; its profit and loss follows. What was told can be "
                "corrected by telling again.",
                _OPERATORS,
                (_UNSETTLED, _PRICE, _INSISTED),
                "What did the underlying settle at? The exchange publishes it. Of contracts that somebody else sold: "
                "what did a share of the option bring? The position's profit and loss follows from it.",
                Danger.ASKED,
            ),
            Request(
                K.FLATTEN,
                "Flatten all",
                "Sell every open position at the market, call off every entry, and pause.",
                _OPERATORS,
                question="Every open position is sold at the market, every entry is called off, "
                "and entries stay paused until you resume.",
                danger=Danger.SELLS,
                lasts_longer=True,
            ),
            Request(
                K.CANCEL_ALL,
                "Cancel entries",
                "Take every entry order back; positions and their stops stay, and new entries may follow.",
                _OPERATORS,
                question="Every entry order is taken back. Positions and their stops stay, and new entries may follow.",
                danger=Danger.ASKED,
            ),
            Request(
                K.CANCEL_ORDER,
                "Cancel order",
                "Take one entry order back; what it bought stays, protected. Stops and exits are not taken back.",
                _OPERATORS,
                (Need("order_id", Subject.ORDER, "An entry order's id or reference, or the end of it."),),
                "The entry order is taken back. What it bought already stays, protected.",
                Danger.ASKED,
            ),
            Request(
                K.STRATEGY,
                "Switch strategy",
                "Switch a strategy on, to shadow (it looks, and what it would have bought is on record, not bought) or "
                "off; its open positions are managed to their end. What its closed trades switched off, an owner alone "
                "switches on again.",
                _OPERATORS,
                (
                    Need("strategy", Subject.STRATEGY, "A strategy's name."),
                    Need("to", Subject.CHOICE, "on, shadow or off."),
                ),
            ),
            Request(
                K.RELOAD_CONFIG,
                "Reload settings",
                "Read the settings anew; what makes no sense is refused and changes nothing, else the bot begins again "
                "with them. Stops stay at the broker meanwhile.",
                _OPERATORS,
                question="The settings are read anew, and the bot begins again with them. Stops stay at the broker.",
                danger=Danger.ASKED,
            ),
            Request(
                K.EMERGENCY,
                "Emergency stop",
                "Emergency stop: halt, take every entry order back and sell everything; what the broker cannot be "
                "asked now is named, and done as soon as it can.",
                _OPERATORS | {Role.SIGNAL},
                (_REASON,),
                "The session halts, every entry order is taken back and every open position is sold at the market, "
                "as soon as the broker can be asked. Only a person resumes.",
                Danger.SELLS,
                lasts_longer=True,
            ),
            Request(
                K.RECONCILE,
                "Compare with the broker",
                "Have the bot compare its book with the broker's and show the comparison; exit code 1 if none came.",
                _OPERATORS | {Role.BROKER, Role.RULES},
                on_page=False,
            ),
            Request(
                K.ADOPT,
                "Adopt",
                "Take over what is at the broker and waits for a person: a contract by its key, or all that waits; it "
                "is protected and managed like a position of ours. The leg of a spread only by its key.",
                _OPERATORS,
                (Need("key", Subject.HOLDING, 'A contract\'s key as `status` shows it, or "all".'),),
                "It becomes a position of this bot: protected by a stop, managed and sold by its rules.",
                Danger.ASKED,
            ),
            Request(
                K.DECLINE,
                "Leave alone",
                "Say no to taking over what is at the broker and waits for a person: a contract by its key, or all "
                "that waits. It stays shown and left alone, entries on its symbol go on, and only more of it is asked "
                "about again; `adopt` by its key changes the answer.",
                _OPERATORS,
                (Need("key", Subject.HOLDING, 'A contract\'s key as `status` shows it, or "all".'),),
                "It stays yours to manage: this bot does not protect, sell or count it, and its symbol may be traded.",
                Danger.ASKED,
            ),
            Request(
                K.ACK,
                "Acknowledge",
                "Acknowledge an alert: it is told no more, and every message of it says who has it.",
                _APPROVERS,
                (Need("alert_id", Subject.ALERT, 'An alert\'s id or the end of it, or "all".'),),
            ),
            Request(
                K.UNACK,
                "Take acknowledgement back",
                "Take an acknowledgement back: the alert is open again, and is told on as if nobody had it.",
                _APPROVERS,
                (Need("alert_id", Subject.ALERT, "An alert's id, or the end of it."),),
            ),
            Request(
                K.REPORT_DRAFT,
                "Ask for a report",
                "Draft a report and ask whoever approves: nothing of it goes to readers before the answer.",
                _APPROVERS,
                (
                    Need("to", Subject.CHOICE, "What it is of: day."),
                    Need("period", Subject.CHOICE, "Of when: 2026-11-20."),
                    Need("text", Subject.TEXT, "Its text, line by line."),
                ),
                on_page=False,
            ),
            Request(
                K.REPORT_APPROVE,
                "Approve report",
                "Approve a report as it stands.",
                _APPROVERS,
                (_REPORT, Need("seen", Subject.TERM, "How often it had been edited when you saw its text.", False)),
                on_page=False,
            ),
            Request(
                K.REPORT_REJECT,
                "Reject report",
                "Reject a report: it is not published.",
                _APPROVERS,
                (_REPORT, _REASON),
                on_page=False,
            ),
            Request(
                K.REPORT_EDIT,
                "Edit report",
                "Give a report that waits another text; it is asked for anew with it.",
                _APPROVERS,
                (_REPORT, Need("text", Subject.TEXT, "The new text, line by line.")),
                on_page=False,
            ),
            Request(
                K.QUIET,
                "Choose quiet hours",
                "Choose one's own quiet hours, in which warnings wait for a digest and what is critical does not: "
                "22:00-07:00 New York, off, or usual (those of the settings). An owner may choose for others.",
                _APPROVERS,
                (
                    Need("to", Subject.CHOICE, "22:00-07:00, off, or usual."),
                    Need("person", Subject.PERSON, "Whose: a name of people.users; left out: one's own.", False),
                ),
                on_page=False,
            ),
            Request(
                K.TEST_ALERTS,
                "Send test alerts",
                "Send one alert of each level, by every channel that is told of its level.",
                _OPERATORS,
                on_page=False,
            ),
            Request(
                K.TEST_CHANNEL,
                "Test a channel",
                "Send one message to one target of a channel: a person, a Discord channel, a mailbox, a receiver.",
                _OPERATORS,
                (Need("name", Subject.TARGET, "A target's name, or a channel's where it has one target only."),),
                on_page=False,
            ),
            Request(
                K.WITHDRAW,
                "Withdraw",
                "Withdraw a request that was not answered yet.",
                _OPERATORS,
                (Need("request_id", Subject.REQUEST, "A request's id, or the end of it."),),
            ),
        )
    }
)
assert set(REQUESTS) == set(RequestKind), "every kind of request has its row"


@dataclass(frozen=True, slots=True)
class Payload:
    """What a request is about, typed; what its kind does not need is empty."""

    signal_id: str = ""
    position_id: str = ""
    symbol: str = ""
    key: str = ""  # a contract's, as it was typed, or "all"
    price: str = ""  # as it was typed: `bot.domain.typed_price` reads it
    request_id: str = ""
    reason: str = ""
    insisted: bool = False
    alert_id: str = ""
    name: str = ""  # a target's, or a channel's
    quantity: str = ""  # as these were typed
    limit: str = ""
    stop: str = ""
    seen: str = ""
    order_id: str = ""
    strategy: str = ""
    to: str = ""
    person: str = ""
    report_id: str = ""
    period: str = ""
    text: str = ""  # of several lines


class Refused(Exception):
    """A request that changes nothing; the text is the answer, and begins with a stable code where it was not the
    handler that refused."""


_LONGEST_FIELD: Final = 200
LONGEST_TEXT: Final = 3000
"""Characters of a report's text: with its head it is one message of any channel."""


def payload_of(kind: RequestKind, raw: Mapping[str, Any]) -> Payload:
    """Return the typed payload; raises Refused (REQUEST_INCOMPLETE) for a field that is no text. A field that is
    missing is empty, fields that the kind does not need are left out."""
    found: dict[str, Any] = {}
    for need in REQUESTS[kind].needs:
        given = raw.get(need.name)
        if need.subject is Subject.INSISTED:
            found[need.name] = given is True or given in {"yes", "true"}
            continue
        found[need.name] = _text(kind, need, given)
    return Payload(**found)


def _text(kind: RequestKind, need: Need, given: object) -> str:
    if need.subject is Subject.TEXT and isinstance(given, list) and all(isinstance(line, str) for line in given):
        return "\n".join(given).strip()[:LONGEST_TEXT]
    if isinstance(given, int | float) and not isinstance(given, bool) and need.subject in {Subject.PRICE, Subject.TERM}:
        given = str(given)  # JSON's own number, written with a point
    if given is None or given == "":
        return ""  # the handler says what it misses
    if not isinstance(given, str):
        raise Refused(f"REQUEST_INCOMPLETE: {kind}: {need.name} is no text")
    return given.strip()[:_LONGEST_FIELD]


def refuse_without_authority(kind: RequestKind, actor: Actor, *, halted: bool) -> None:
    """Raise Refused (NOT_ALLOWED) where the actor may not ask for this now."""
    allowed = REQUESTS[kind].allowed(halted=halted)
    if actor.role in allowed:
        return
    may = ", ".join(role for role in Role if role in allowed)
    when = " while the session is halted" if halted and REQUESTS[kind].roles_halted is not None else ""
    who = actor.role if actor.name == actor.role else f"{actor.name!r}, {actor.role}"
    raise Refused(f"NOT_ALLOWED: {kind} may not be asked by {who}{when}; it may be by: {may}")


# ---- how long it is waited for


@dataclass(frozen=True, slots=True)
class Expiry:
    """Wall seconds after which a request that nobody answered dies."""

    usual_s: float
    emergency_s: float

    def of(self, kind: RequestKind) -> float:
        return self.emergency_s if REQUESTS[kind].lasts_longer else self.usual_s


@dataclass(frozen=True, slots=True)
class Moment:
    """When a row is read: by the wall, by the bot's own clock, and how much faster that one goes."""

    wall: datetime
    bot: datetime
    speed: float = 1.0


_AHEAD: Final = timedelta(seconds=60)  # clocks of two programs on one machine never differ by more


def age_s(asked_at: datetime | None, created_at: datetime, at: Moment, *, left_over: bool) -> float | None:
    """Return how many wall seconds ago a request was made, None where its dates prove no age.

    `asked_at` is the wall's time, where the writer told it. Else `created_at` may be by the wall or by the bot's clock;
    of a row that is older than this start (`left_over`) the bot's clock proves nothing where it is not the wall's, for
    a simulated day goes on where it stood.
    """
    if asked_at is not None:
        return _plausible(at.wall - asked_at, 1.0)
    by_wall = _plausible(at.wall - created_at, 1.0)
    by_bot = None if left_over else _plausible(at.bot - created_at, at.speed)
    return min((age for age in (by_wall, by_bot) if age is not None), default=None)


def _plausible(age: timedelta, speed: float) -> float | None:
    seconds = age.total_seconds() / max(speed, 1e-6)
    return None if seconds < -_AHEAD.total_seconds() else max(seconds, 0.0)


def refuse_stale(kind: RequestKind, age: float | None, expiry: Expiry) -> None:
    """Raise Refused (REQUEST_STALE) for a request that is older than it may become, or whose age nothing proves."""
    limit = expiry.of(kind)
    if age is None:
        raise Refused("REQUEST_STALE: its date is in the future, or proves nothing about when it was asked; ask again")
    if age > limit:
        raise Refused(f"REQUEST_STALE: asked {age:.0f} s ago and not answered within {limit:.0f} s; ask again")


# ---- its life on the record


class RequestState(StrEnum):
    QUEUED = "queued"
    DONE = "done"
    REFUSED = "refused"


class RequestTrigger(StrEnum):
    ANSWER = "answer"
    REFUSE = "refuse"


REQUEST: Final = Lifecycle(
    name="request",
    states=RequestState,
    triggers=RequestTrigger,
    table=MappingProxyType(
        {
            (RequestState.QUEUED, RequestTrigger.ANSWER): RequestState.DONE,
            (RequestState.QUEUED, RequestTrigger.REFUSE): RequestState.REFUSED,
        }
    ),
    terminal=frozenset({RequestState.DONE, RequestState.REFUSED}),
    notes=MappingProxyType(
        {
            RequestState.QUEUED: "asked; it dies when nobody answers in time",
            RequestState.DONE: "carried out, or begun, with the answer",
            RequestState.REFUSED: "nothing was changed, with the reason",
        }
    ),
)
