"""The catalogue: each thing that goes wrong in the field is a row with a time of day, checked where it is written.

A fault with `for_seconds` lasts so long; one with `count` is used up by so many orders; the others happen once.
"""

from __future__ import annotations

from datetime import datetime, time
from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

ALL_DAY = 100_000
"""The count of a refusal that no day uses up."""


class Callback(StrEnum):
    """What the broker calls back with. `order` is the four before it; `end` is what says that an answer is whole
    (open orders, executions, positions, the account), `preview` the answer to a what-if, `contract` what a contract is,
    `position` a row of what is held, `time` the answer to the probe, `health` which lines are healthy (told by the
    adapter, so nothing can be done to it)."""

    STATUS = "status"
    EXECUTION = "execution"
    COMMISSION = "commission"
    ERROR = "error"
    ORDER = "order"
    QUOTE = "quote"
    HEALTH = "health"
    GREEKS = "greeks"
    DEPTH = "depth"
    TRADES = "trades"
    ACCOUNT = "account"
    PREVIEW = "preview"
    END = "end"
    CONTRACT = "contract"
    POSITION = "position"
    TIME = "time"


def _moment(value: Any) -> Any:
    """Accept "HH:MM" and "HH:MM:SS". YAML 1.1 reads both, unquoted, as base-60 integers, so that is turned back."""
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 86_400:
        seconds = value * 60 if value < 1440 else value
        return time(seconds // 3600, seconds // 60 % 60, seconds % 60)
    if isinstance(value, str):
        for form in ("%H:%M", "%H:%M:%S"):
            try:
                return datetime.strptime(value, form).time()  # noqa: DTZ007 - a time of day in New York, no date yet
            except ValueError:
                continue
        raise ValueError('a time of day as "HH:MM" or "HH:MM:SS", New York')
    return value


Moment = Annotated[time, BeforeValidator(_moment)]


class AnyFault(BaseModel):
    """A row of the catalogue; `at` is a New York time of day."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    at: Moment

    def starts(self) -> int:
        """Return seconds since midnight, New York."""
        return self.at.hour * 3600 + self.at.minute * 60 + self.at.second

    def ends(self) -> float:
        """Return the second of the day before which it is in force."""
        return float(self.starts())


OF_ORDERS = frozenset({Callback.STATUS, Callback.EXECUTION, Callback.COMMISSION, Callback.ERROR})
OF_THE_MARKET = frozenset({Callback.QUOTE, Callback.HEALTH, Callback.GREEKS, Callback.DEPTH, Callback.TRADES})


class Lasting(AnyFault):
    """In force from `at` for so long."""

    for_seconds: float = Field(gt=0, le=28_800)

    def ends(self) -> float:
        return self.starts() + self.for_seconds


class Counted(AnyFault):
    """In force from `at` until it met `count` orders."""

    count: int = Field(default=1, ge=1, le=ALL_DAY)

    def ends(self) -> float:
        return float("inf")


class Callbacks(Lasting):
    """Bends what the broker calls back with."""

    callback: Callback = Callback.ORDER
    share: float = Field(default=1.0, gt=0, le=1, description="of the callbacks, by chance")

    def bends(self, kind: Callback) -> bool:
        """Say whether callbacks of this kind are meant."""
        return self.callback is kind or (self.callback is Callback.ORDER and kind in OF_ORDERS)


class Drop(Callbacks):
    """Callbacks never come."""

    kind: Literal["drop"]


class Delay(Callbacks):
    """Callbacks come so much later, in their order: a fill is heard after the Cancelled that followed it."""

    kind: Literal["delay"]
    delay_seconds: float = Field(default=3, gt=0, le=600)


class Duplicate(Callbacks):
    """Callbacks come twice, the second time up to so much later."""

    kind: Literal["duplicate"]
    delay_seconds: float = Field(default=2, ge=0, le=600)


class Reorder(Callbacks):
    """Callbacks come up to so much later, in any order."""

    kind: Literal["reorder"]
    delay_seconds: float = Field(default=2, gt=0, le=600)


class CommissionFirst(Lasting):
    """A commission is told before the execution that it belongs to."""

    kind: Literal["commission_first"]


class OrdersLost(Lasting):
    """1100: TWS has lost the broker. Nothing is heard, nothing that is sent arrives, the market goes on; then 1101 or
    1102."""

    kind: Literal["orders_lost"]
    restored: Literal[1101, 1102] = 1102


class LoseOrder(Counted):
    """A placement is swallowed: no status and no error, ever."""

    kind: Literal["lose_order"]


class Reject(Counted):
    """The next placements, changes or cancels are refused and do not happen.

    `orders` says whose placement or change; `says` how a placement is refused: with an error (201 with Inactive after
    it), as Inactive without a word, or taken and cancelled at once, as a venue does that thinks better of it.
    """

    kind: Literal["reject"]
    of: Literal["place", "change", "cancel"] = "place"
    orders: Literal["any", "entry", "stop", "sale"] = "any"
    says: Literal["error", "inactive", "cancelled"] = "error"
    code: int = Field(default=201, ge=0, le=99_999)
    text: str = "Order rejected - reason: the exchange does not accept it"


class ShortBook(Counted):
    """The next answers of this kind are ended as usual and lack everything: TWS answered before it had the account."""

    kind: Literal["short_book"]
    lacks: Literal["orders", "positions"] = "orders"


class PartialFills(Lasting):
    """Every fill finds only a part of what is displayed."""

    kind: Literal["partial_fills"]


class SlowCancel(Lasting):
    """Cancels reach the exchange so much later: fills come between the cancel and its answer."""

    kind: Literal["slow_cancel"]
    delay_seconds: float = Field(default=3, gt=0, le=600)


class IdReset(AnyFault):
    """The next order id starts again at 1, as after a gateway was set up anew."""

    kind: Literal["id_reset"]


class Restart(Lasting):
    """The gateway is gone for so long and then forgets which orders were completed."""

    kind: Literal["restart"]


class Competing(Lasting):
    """10197: another session of the same user has the market data."""

    kind: Literal["competing"]


class Mute(Lasting):
    """The socket is up and nothing is answered."""

    kind: Literal["mute"]


class BadQuotes(Lasting):
    """Quotes are no numbers, -1, crossed, or without any size."""

    kind: Literal["bad_quotes"]
    value: Literal["nan", "minus_one", "crossed", "no_size"] = "nan"


class Delayed(Lasting):
    """What was live comes a quarter of an hour late, and says so; then it is live again."""

    kind: Literal["delayed"]
    of: Literal["options", "underlyings", "all"] = "all"

    def concerns(self, option: bool) -> bool:
        return self.of in {"all", "options" if option else "underlyings"}


class HaltTold(Lasting):
    """Trading is halted (tick 49: 1 for all, 2 for volatility), and then goes on."""

    kind: Literal["halt"]
    of: Literal["options", "underlyings", "all"] = "all"
    value: Literal[1, 2] = 1

    def concerns(self, option: bool) -> bool:
        return self.of in {"all", "options" if option else "underlyings"}


class FewerLines(Lasting):
    """The login is allowed no more than so many lines (101) and order books (309) that are asked for from now on. A
    venue in the process counts no lines."""

    kind: Literal["fewer_lines"]
    quotes: int = Field(default=0, ge=0, le=500)
    books: int = Field(default=0, ge=0, le=60)


class DepthWord(AnyFault):
    """316: the order books are halted and have to be asked for again; 317: they are reset and come anew."""

    kind: Literal["depth_word"]
    code: Literal[316, 317] = 317


class BarsRefused(Lasting):
    """Bars, of the past or of five seconds, are refused: too many were asked for, or the query was lost."""

    kind: Literal["bars_refused"]
    code: Literal[162, 366, 420, 10182] = 162


class TapeGap(Lasting):
    """Of the trades one by one some never come, and some come after a later one."""

    kind: Literal["tape_gap"]
    share: float = Field(default=0.3, gt=0, le=1)


class WildPrint(Lasting):
    """One print of an option that is not the market, and a moment later the truth again: far above the price or below
    it, crossed, or so wide that its middle says nothing. `share` of the quotes, by chance."""

    kind: Literal["wild_print"]
    does: Literal["up", "down", "crossed", "wide"] = "up"
    share: float = Field(default=0.1, gt=0, le=1)


class DeadFarm(Lasting):
    """2103: the farm of the options, or that of the shares, is gone; its lines say nothing. Then 2104."""

    kind: Literal["dead_farm"]
    farm: Literal["usopt", "usfarm"] = "usopt"


class DeadLine(Lasting):
    """So many of the option lines, by chance, end with an error and say nothing more; a venue in the process serves
    them again when it is over, TWS when they are asked for on a new connection."""

    kind: Literal["dead_line"]
    code: Literal[354, 10090, 10186, 322] = 354
    share: float = Field(default=0.5, gt=0, le=1)


class Correction(AnyFault):
    """The last execution is corrected by so much a share; its revision rises."""

    kind: Literal["correction"]
    by: Decimal = Field(default=Decimal("0.01"), ge=Decimal("-0.05"), le=Decimal("0.05"))


class Unappliable(Lasting):
    """The bot cannot apply what it hears of a kind, before it changed anything or in the midst of it; by chance, or all
    of it. It says nothing of the venue: a venue that runs alone has no bot whose appliers could fail."""

    kind: Literal["unappliable"]
    fact: Literal["execution", "fill", "commission", "order", "working", "holding", "absence", "settlement"]
    share: float = Field(default=1.0, gt=0, le=1)


class ByHand(AnyFault):
    """Somebody else trades an option that the account holds: a person in TWS, another program or the liquidation desk.
    No client of ours is told of the execution, only of what the account holds since."""

    kind: Literal["by_hand"]
    does: Literal["sell_part", "sell_all", "sell_more", "buy", "exercise", "liquidate"] = "sell_all"


class StrangersCome(AnyFault):
    """From here on other people hold, order and trade in the account, whatever the broker deals in: up to `most` things
    of each kind, drawn by `seed`. They take the place of what an earlier one brought."""

    kind: Literal["strangers"]
    seed: int = Field(default=0, ge=0)
    most: int = Field(default=6, ge=0, le=60)


class ClockJump(Lasting):
    """The wall clock of the bot's machine is set forward (or back, where negative) for so long, and then right again.
    The venue's own time is not touched; a venue that runs alone has no bot whose clock it could set."""

    kind: Literal["clock_jump"]
    by_seconds: float = Field(ge=-86_400, le=86_400)


class OtherHours(Lasting):
    """The broker tells other trading hours of today than it keeps, in one of the forms that TWS writes them, or
    something that is none. In the process it is told as it changes, on a socket to who asks."""

    kind: Literal["hours"]
    says: Literal["usual", "closed", "early", "late", "longer", "lunch", "nonsense"] = "closed"
    form: Literal["new", "old"] = "new"
    zone: Literal[
        "US/Eastern", "EST (Eastern Standard Time)", "America/New_York", "CST (Central Standard Time)", "EST5EDT"
    ] = "US/Eastern"


class UwAnswers(Lasting):
    """A data vendor answers with a status, with something that is no data, with old data, or not at all."""

    kind: Literal["uw"]
    vendor: str = Field("unusual_whales", description="whose face; `*`: every one's")
    answer: Literal[
        "401", "403", "404", "422", "429", "500", "timeout", "html", "empty", "cut", "text", "stale",
        "null_rows", "wrong_types", "future", "ancient",
        "words", "huge_field", "huge_number", "many_rows", "deep", "large", "bomb",
        "field_20mb", "rows_31mb", "200mb", "endless", "redirect", "quota",
        "off_price", "off_quote", "off_spread", "off_greeks",
    ]  # fmt: skip


class BadFrame(AnyFault):
    """What comes on the socket is no message: a length that none has, one that never ends, another protocol's
    words, one field of megabytes, a message of too many fields. A venue in the process has no socket to say it on."""

    kind: Literal["bad_frame"]
    value: Literal["length", "endless", "http", "huge_field", "many_fields", "empty"] = "length"


class Words(AnyFault):
    """A notice of TWS that concerns no order, in words that are long, steer a terminal, or hold a password."""

    kind: Literal["words"]
    code: int = Field(default=2137, ge=0, le=99_999)
    text: str = Field(default="", max_length=200_000, description="empty: of every kind, by chance")


class FarmSays(Lasting):
    """A notice of a data farm, in any language and of any farm. `silent`: what it serves and says nothing of as long as
    this lasts; a farm of Hong Kong serves nothing of ours."""

    kind: Literal["farm"]
    code: int = Field(default=2103, ge=0, le=99_999)
    text: str = Field(default="Market data farm connection is broken:jfarm", max_length=400)
    silent: Literal["nothing", "options", "underlyings", "all"] = "nothing"

    def silences(self, option: bool) -> bool:
        """Say whether a line of an option, or of anything else, is silent."""
        return self.silent in {"all", "options" if option else "underlyings"}


class PartOfLine(AnyFault):
    """Each market data line is told that a part of it is not to be had; it goes on, or is `cut` without another word. A
    venue in the process has no numbers of lines to say it of."""

    kind: Literal["part_of_line"]
    code: int = Field(default=10090, ge=0, le=99_999)
    text: str = Field(default="Part of requested market data is not subscribed.", max_length=400)
    cut: bool = False


class AccountSays(Lasting):
    """What the account says of itself: that it is not ready, with zeros; rows of other currencies, or another base
    currency; tags that are missing, unset or no numbers; rows of other accounts; P&L that is silent or unset; nothing
    but every three minutes. Texts are said on a socket alone."""

    kind: Literal["account_says"]
    says: Literal[
        "zeros", "currencies", "base", "missing", "unset", "garbled", "others", "pnl_silent", "pnl_unset", "slow"
    ]  # fmt: skip


class CashMoves(AnyFault):
    """Dollars are paid into the account, or (below zero) out of it: now, or with the next fill."""

    kind: Literal["cash"]
    amount: Decimal = Field(ge=-90_000, le=1_000_000)
    at_fill: bool = False


Fault = Annotated[
    Drop
    | Delay
    | Duplicate
    | Reorder
    | CommissionFirst
    | OrdersLost
    | LoseOrder
    | Reject
    | ShortBook
    | PartialFills
    | SlowCancel
    | IdReset
    | Restart
    | Competing
    | Mute
    | BadQuotes
    | Delayed
    | HaltTold
    | FewerLines
    | DepthWord
    | BarsRefused
    | TapeGap
    | WildPrint
    | DeadFarm
    | DeadLine
    | Correction
    | ByHand
    | StrangersCome
    | Unappliable
    | ClockJump
    | OtherHours
    | UwAnswers
    | BadFrame
    | Words
    | FarmSays
    | PartOfLine
    | AccountSays
    | CashMoves,
    Field(discriminator="kind"),
]

KINDS = (
    "drop, delay, duplicate, reorder, commission_first, orders_lost, lose_order, reject, short_book, partial_fills, "
    "slow_cancel, id_reset, restart, competing, mute, bad_quotes, wild_print, "
    "delayed, halt, fewer_lines, depth_word, bars_refused, tape_gap, "
    "dead_farm, dead_line, correction, by_hand, "
    "unappliable, strangers, clock_jump, hours, uw, bad_frame, words, "
    "farm, part_of_line, account_says, cash"
)
"""Every kind, for those who write a wrong one."""


def in_words(fault: Fault) -> str:
    """Return one line: kind, time and what is not the default."""
    more = {k: v for k, v in fault.model_dump(mode="json", exclude_defaults=True).items() if k not in {"kind", "at"}}
    return f"{fault.kind} at {fault.at:%H:%M:%S}" + "".join(f" {name}={_cut(value)}" for name, value in more.items())


def _cut(value: object) -> str:
    """Return what can be printed of a value: some texts are long, and made to hurt a terminal."""
    said = str(value)
    return said if len(said) <= _LONGEST and said.isprintable() else f"{said[:_LONGEST]!r}..."


_LONGEST = 80
