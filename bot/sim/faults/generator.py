"""Random mixtures from the catalogue, by seed: the field's bad days, more often than the field has them."""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import datetime, time, timedelta
from decimal import Decimal
from types import MappingProxyType
from typing import Any, Final, get_args

from pydantic import TypeAdapter

from bot.sim.faults.catalogue import ALL_DAY, Fault, OtherHours
from bot.sim.faults.codes import CODES
from bot.sim.faults.script import NEW_YORK

_ONE: Final[TypeAdapter[Fault]] = TypeAdapter(Fault)
_CODES: Final = MappingProxyType(
    {
        "place": (201, 201, 110, 103, 399, 104),
        "change": (105, 104, 201, 110),
        "cancel": (10148, 10148, 10147, 161),
    }
)
_ORDER_CALLBACKS: Final = ("status", "execution", "commission", "error", "order", "order")

_Recipe = Callable[[random.Random], dict[str, Any]]


def _callbacks(kind: str) -> _Recipe:
    def make(chance: random.Random) -> dict[str, Any]:
        fields: dict[str, Any] = {
            "kind": kind,
            "callback": chance.choice(_ORDER_CALLBACKS),
            "for_seconds": chance.randint(5, 60),
            "share": chance.choice((0.3, 0.6, 1.0)),
        }
        if kind != "drop":
            fields["delay_seconds"] = chance.choice((1, 2, 4, 8))
        return fields

    return make


def _lasting(kind: str, longest: int, **more: tuple[Any, ...]) -> _Recipe:
    def make(chance: random.Random) -> dict[str, Any]:
        chosen = {name: chance.choice(values) for name, values in more.items()}
        return {"kind": kind, "for_seconds": chance.randint(2, longest), **chosen}

    return make


def _reject(chance: random.Random) -> dict[str, Any]:
    of = chance.choice(("place", "place", "change", "cancel", "cancel", "cancel"))
    code, counts = chance.choice(_CODES[of]), (1, 2, ALL_DAY) if of == "cancel" else (1, 1, 2)
    return {"kind": "reject", "of": of, "code": code, "count": chance.choice(counts)}


_RECIPES: Final[tuple[tuple[int, _Recipe], ...]] = (  # weight, recipe
    (4, _callbacks("drop")),
    (3, _callbacks("delay")),
    (3, _callbacks("duplicate")),
    (3, _callbacks("reorder")),
    (1, _lasting("commission_first", 60)),
    (3, _lasting("orders_lost", 30, restored=(1101, 1102))),
    (3, lambda chance: {"kind": "lose_order", "count": chance.choice((1, 1, 2))}),
    (3, _reject),
    (3, _lasting("partial_fills", 90)),
    (3, _lasting("slow_cancel", 60, delay_seconds=(1, 2, 5))),
    (1, lambda chance: {"kind": "id_reset"}),
    (2, _lasting("restart", 20)),
    (1, _lasting("competing", 20)),
    (1, _lasting("mute", 20)),
    (1, _lasting("bad_quotes", 20, value=("nan", "minus_one", "crossed", "no_size"))),
    (2, _lasting("clock_jump", 90, by_seconds=(-7200, -300, -5, 3, 40, 3600))),
    (2, lambda chance: {"kind": "correction", "by": chance.choice((Decimal("0.01"), Decimal("-0.02")))}),
)
_SHORT_BOOKS: Final = 0.25  # of the days
_OTHER_CALLBACKS: Final = ("account", "preview", "end", "quote", "greeks", "depth", "trades")
_OTHERS: Final = 0.3  # of the days
_RARE_CALLBACKS: Final = ("contract", "time")  # rows of the positions that lack are a short book
_RARELY: Final = 0.1  # of the days
_WRONG_CLOCKS: Final = 0.2
_WRONG_BY: Final = (-86_400, -86_400, -3600, -45, 20, 45, 90, 3600, 3600, 86_400)  # seconds
_SICK: Final = 1 / 6  # of the days
_FACTS: Final = ("execution", "fill", "commission", "order", "working", "holding", "absence", "settlement")
_HANDS: Final = 1 / 6  # of the days
_OTHER_HOURS: Final = 1 / 5  # of the days
_COMPANY: Final = 1 / 3  # of the days
_DOES: Final = ("sell_part", "sell_part", "sell_all", "sell_all", "sell_more", "buy", "exercise", "liquidate")
_FARMS: Final = 1 / 3  # of the days
_FARM_CODES: Final = (2103, 2103, 2105, 2104, 2106, 2107, 2108, 2119, 2157, 2158)
_FARM_NAMES: Final = (
    "usopt", "usopt.nj", "usfarm", "usfarm.nj", "eufarm", "cashfarm", "jfarm", "hfarm", "secdefil", "secdefnj",
    "ushmds", "euhmds", "fundfarm", "",
)  # fmt: skip
_FARM_TEXTS: Final = (
    "Market data farm connection is broken:",
    "Market data farm connection is inactive but should be available upon demand.",
    "HMDS data farm connection is broken:",
    "Verbindung zur Marktdatenfarm ist unterbrochen: ",
    "La connexion à la ferme de données de marché est interrompue : ",
    "マーケットデータ・ファームへの接続が切断されました:",
    "Market data farm connection is OK:",
    "",
)
_PART_CODES: Final = (10090, 10090, 354, 10089, 10167, 10168, 10186, 10999)
_ACCOUNTS: Final = 1 / 3  # of the days
_ACCOUNT_SAYS: Final = (
    "zeros", "currencies", "base", "missing", "unset", "garbled", "others", "pnl_silent", "pnl_unset", "slow",
)  # fmt: skip
_PAID: Final = (-60_000, -20_000, -5_000, -2_500, -150, 40, 150, 3_000, 25_000, 400_000)  # dollars
REFUSAL_TEXTS: Final = (
    "",
    "The following order exceeds the Size Limit of the Precautionary Settings",
    "Order rejected - reason:YOUR ORDER IS NOT ACCEPTED. PLEASE CONTACT CUSTOMER SERVICE",
    "Error validating request.-'bN' : cause - The API interface is currently in Read-Only mode.",
    "Ordre refusé - raison : marché inconnu",
)
_OFF: Final = ("off_price", "off_quote", "off_spread", "off_greeks")
_DATA: Final = 0.4  # of the days
_UW: Final = ("401", "403", "422", "429", "500", "timeout", "html", "empty", "cut", "text", "stale")
_TOO_MUCH: Final = ("words", "huge_field", "huge_number", "many_rows", "deep", "large", "bomb")
_FRAMES: Final = ("length", "endless", "http", "huge_field", "many_fields", "empty")
_OUTSIDE: Final = 0.4  # of the days


def random_faults(seed: int, begin: datetime, end: datetime, *, at_most: int = 6, vendor: bool = False) -> list[Fault]:
    """Return one to `at_most` faults between two moments of one day, in the order of their times.

    `vendor` adds those of Unusual Whales.
    """
    chance = random.Random(f"faults {seed}")
    recipes = [*_RECIPES, *([(3, _lasting("uw", 240, answer=_UW))] if vendor else [])]
    made = []
    for _ in range(chance.randint(1, at_most)):
        recipe = chance.choices([each for _, each in recipes], [weight for weight, _ in recipes])[0]
        made.append(_ONE.validate_python({"at": _somewhere(chance, begin, end), **recipe(chance)}))
    more = [*_short_book(seed, begin, end), *_other_callbacks(seed, begin, end), *_any_code(seed, begin, end)]
    more += _outside(seed, begin, end, vendor=vendor)
    more += _bad_answers(seed, begin, end) if vendor else []
    more += [*_unheard_of(seed, begin, end), *_of_prices(seed, begin, end)]
    return sorted([*made, *more], key=lambda fault: fault.starts())


def trades_by_hand(seed: int, begin: datetime, end: datetime) -> list[Fault]:
    """One to three trades of somebody else, on one day in six."""
    chance = random.Random(f"by hand {seed}")
    if chance.random() >= _HANDS:
        return []
    return [
        _ONE.validate_python({"kind": "by_hand", "at": _somewhere(chance, begin, end), "does": chance.choice(_DOES)})
        for _ in range(chance.choice((1, 1, 2, 3)))
    ]


def strangers(seed: int, begin: datetime, end: datetime) -> list[Fault]:
    """Other people's things in the account, on one day in three; on some they change in its course."""
    chance = random.Random(f"strangers {seed}")
    if chance.random() >= _COMPANY:
        return []
    times = [_moment(begin), *(_somewhere(chance, begin, end) for _ in range(chance.choice((0, 0, 1, 2))))]
    return [
        _ONE.validate_python({"kind": "strangers", "at": at, "seed": chance.randint(0, 10**6), "most": most})
        for at in times
        for most in [chance.choice((2, 6, 12))]
    ]


def unappliable_facts(seed: int, begin: datetime, end: datetime) -> list[Fault]:
    """One or two kinds of facts that the bot cannot apply, on one day in six: some of them, or all for a minute."""
    chance = random.Random(f"unappliable {seed}")
    if chance.random() >= _SICK:
        return []
    made = []
    for _ in range(chance.choice((1, 2))):
        fields: dict[str, Any] = {"fact": chance.choice(_FACTS), "share": chance.choice((0.2, 0.5, 1.0))}
        fields |= {"for_seconds": chance.choice((2, 15, 60)), "at": _somewhere(chance, begin, end)}
        made.append(_ONE.validate_python({"kind": "unappliable", **fields}))
    return made


def farm_notices(seed: int, begin: datetime, end: datetime) -> list[Fault]:
    """One to three notices of farms, in any words, on one day in three: mostly of those that serve nothing of ours."""
    chance = random.Random(f"farms {seed}")
    if chance.random() >= _FARMS:
        return []
    made = []
    for _ in range(chance.choice((1, 2, 3))):
        fields: dict[str, Any] = {
            "code": chance.choice(_FARM_CODES),
            "text": chance.choice(_FARM_TEXTS) + chance.choice(_FARM_NAMES),
        }
        fields |= {"silent": chance.choice(("nothing", "nothing", "nothing", "options", "underlyings", "all"))}
        fields |= {"for_seconds": chance.choice((3, 8, 25, 60)), "at": _somewhere(chance, begin, end)}
        made.append(_ONE.validate_python({"kind": "farm", **fields}))
    if chance.random() < _SICK:
        part = {"code": chance.choice(_PART_CODES), "cut": chance.random() < 0.5, "at": _somewhere(chance, begin, end)}
        made.append(_ONE.validate_python({"kind": "part_of_line", **part}))
    return made


def data_faults(seed: int, begin: datetime, end: datetime, *, vendor: bool = True) -> list[Fault]:
    """One to three things that befall market data, on two days in five: late data, halts, fewer lines, books that are
    reset, bars that are refused, a tape with gaps, and a vendor that says otherwise than the broker."""
    chance = random.Random(f"data {seed}")
    if chance.random() >= _DATA:
        return []
    recipes = [*_OF_DATA, *([_lasting("uw", 90, answer=_OFF)] if vendor else [])]
    return [
        _ONE.validate_python({"at": _somewhere(chance, begin, end), **recipe(chance)})
        for recipe in chance.sample(recipes, chance.choice((1, 1, 2, 3)))
    ]


_WHOSE: Final = ("options", "underlyings", "all")
_OF_DATA: Final[tuple[_Recipe, ...]] = (
    _lasting("delayed", 40, of=_WHOSE),
    _lasting("halt", 25, of=_WHOSE, value=(1, 2)),
    _lasting("fewer_lines", 60, quotes=(0, 3, 10), books=(0, 1)),
    lambda chance: {"kind": "depth_word", "code": chance.choice((316, 317))},
    _lasting("bars_refused", 60, code=(162, 366, 420, 10182)),
    _lasting("tape_gap", 60, share=(0.1, 0.5)),
)


def account_words(seed: int, begin: datetime, end: datetime) -> list[Fault]:
    """What the account says, and money that is paid in or out, on one day in three."""
    chance = random.Random(f"account {seed}")
    if chance.random() >= _ACCOUNTS:
        return []
    made = []
    for _ in range(chance.choice((0, 1, 1, 2))):
        fields: dict[str, Any] = {"says": chance.choice(_ACCOUNT_SAYS), "for_seconds": chance.choice((5, 20, 60, 200))}
        made.append(_ONE.validate_python({"kind": "account_says", "at": _somewhere(chance, begin, end), **fields}))
    for _ in range(chance.choice((0, 1, 1, 2))):
        fields = {"amount": chance.choice(_PAID), "at_fill": chance.random() < 0.5}
        made.append(_ONE.validate_python({"kind": "cash", "at": _somewhere(chance, begin, end), **fields}))
    return made


def _other_callbacks(seed: int, begin: datetime, end: datetime) -> list[Fault]:
    """Something is done to callbacks that concern no order."""
    found = []
    for name, share, callbacks in (("other", _OTHERS, _OTHER_CALLBACKS), ("rare", _RARELY, _RARE_CALLBACKS)):
        chance = random.Random(f"{name} callback {seed}")
        if chance.random() >= share:
            continue
        kind = chance.choice(("drop", "delay", "duplicate", "reorder"))
        fields = {**_callbacks(kind)(chance), "callback": chance.choice(callbacks)}
        found.append(_ONE.validate_python({"at": _somewhere(chance, begin, end), **fields}))
    return found


def _any_code(seed: int, begin: datetime, end: datetime) -> list[Fault]:
    """A refusal by any code that there is, the rare ones as often as the others."""
    chance = random.Random(f"any code {seed}")
    if chance.random() >= _OTHERS:
        return []
    of = chance.choice(tuple(CODES))
    fault = {"kind": "reject", "at": _somewhere(chance, begin, end), "of": of, "code": chance.choice(CODES[of])}
    return [_ONE.validate_python(fault)]


def _outside(seed: int, begin: datetime, end: datetime, *, vendor: bool) -> list[Fault]:
    """Words and sizes that nobody should say: of the vendor, of TWS, of what refuses an order."""
    chance = random.Random(f"outside {seed}")
    if chance.random() >= _OUTSIDE:
        return []
    kinds: list[dict[str, Any]] = [
        {"kind": "bad_frame", "value": chance.choice(_FRAMES)},
        {"kind": "words", "code": chance.choice((2137, 2100, 399, 10197, 1, 99_999)), "text": strange_words(chance)},
        {"kind": "reject", "of": chance.choice(("place", "change", "cancel")), "text": strange_words(chance)},
    ]
    if vendor:
        kinds.append({"kind": "uw", "for_seconds": chance.randint(2, 240), "answer": chance.choice(_TOO_MUCH)})
    return [
        _ONE.validate_python({"at": _somewhere(chance, begin, end), **fields})
        for fields in chance.sample(kinds, chance.randint(1, len(kinds)))
    ]


_NO_DATA: Final = ("404", "quota", "null_rows", "wrong_types", "future", "ancient", "200mb", "endless", "redirect")
_BAD_ANSWERS: Final = 0.3  # of the days


def _bad_answers(seed: int, begin: datetime, end: datetime) -> list[Fault]:
    """Return what a vendor may answer in place of data and is no refusal that others of this room have."""
    chance = random.Random(f"bad answers {seed}")
    if chance.random() >= _BAD_ANSWERS:
        return []
    fields = {"kind": "uw", "for_seconds": chance.randint(2, 120), "answer": chance.choice(_NO_DATA)}
    return [_ONE.validate_python({"at": _somewhere(chance, begin, end), **fields})]


_STRANGE: Final = (
    "a_", "a+", "a://b:", "://@", "token=", "eyJaaaaaaaa-", "\x1b[2J", "\u202e", "\u200b", "e\u0301", "\r\n", "9",
    "password: hunter2hunter2 ", "https://monitor.example/?key=hunter2hunter2 ", "-----BEGIN ", "\ufffd", "\U0001f600",
)  # fmt: skip


def strange_words(chance: random.Random) -> str:
    """Return up to 60 thousand characters of what has hurt a reader of text."""
    pieces = chance.sample(_STRANGE, chance.randint(1, 3))
    return "".join(pieces) * (chance.choice((1, 10, 60_000)) // sum(map(len, pieces)) + 1)


def _of_prices(seed: int, begin: datetime, end: datetime) -> list[Fault]:
    """Prints that are not the market, and lines that say nothing because they are dead."""
    chance = random.Random(f"prices {seed}")
    if chance.random() >= _OTHERS:
        return []
    recipes = chance.sample(_OF_PRICES, chance.randint(1, len(_OF_PRICES)))
    return [_ONE.validate_python({"at": _somewhere(chance, begin, end), **recipe(chance)}) for recipe in recipes]


_OF_PRICES: Final[tuple[_Recipe, ...]] = (
    _lasting("wild_print", 90, does=("up", "up", "down", "crossed", "wide"), share=(0.05, 0.2, 0.5)),
    _lasting("dead_farm", 40, farm=("usopt", "usopt", "usfarm")),
    _lasting("dead_line", 60, share=(0.3, 1.0), code=(354, 10090, 10186, 322)),
)


def _unheard_of(seed: int, begin: datetime, end: datetime) -> list[Fault]:
    """A refusal in words that no table has, or without any, that may go on for longer than anybody asks again."""
    chance = random.Random(f"unheard of {seed}")
    if chance.random() >= _OTHERS:
        return []
    fault = {
        "kind": "reject",
        "at": _somewhere(chance, begin, end),
        "of": chance.choice(("place", "place", "place", "change", "cancel")),
        "orders": chance.choice(("any", "entry", "stop", "stop", "sale")),
        "says": chance.choice(("error", "error", "error", "inactive", "cancelled")),
        "code": chance.choice((0, chance.randint(100, 10_400), chance.randint(100, 10_400), chance.randint(1, 99_999))),
        "text": chance.choice(REFUSAL_TEXTS),
        "count": chance.choice((1, 2, 3, 4, 6)),
    }
    if fault["of"] != "cancel" and fault["orders"] in {"entry", "stop"} and chance.random() < 0.5:
        fault["count"] = ALL_DAY
    if fault["of"] == "cancel":
        fault["orders"] = "any"
        fault["count"] = chance.choice((fault["count"], ALL_DAY))
    return [_ONE.validate_python(fault)]


def other_hours(seed: int, begin: datetime, end: datetime) -> list[Fault]:
    """The broker tells other hours than the calendar on one day in five, for a while or until the end."""
    chance = random.Random(f"hours {seed}")
    if chance.random() >= _OTHER_HOURS:
        return []
    fields = OtherHours.model_fields
    drawn = {name: chance.choice(get_args(fields[name].annotation)) for name in ("says", "form", "zone")}
    at = _somewhere(chance, begin, end) if chance.random() < 0.5 else _moment(begin)
    for_seconds = chance.choice((20, 60, 20_000))
    return [_ONE.validate_python({"kind": "hours", "at": at, "for_seconds": for_seconds, **drawn})]


def _short_book(seed: int, begin: datetime, end: datetime) -> list[Fault]:
    """One on every fourth day, and never two: of two in a row no rule of two looks could tell that they are wrong."""
    chance = random.Random(f"short book {seed}")
    if chance.random() >= _SHORT_BOOKS:
        return []
    at = _somewhere(chance, begin, end)
    fault = {"kind": "short_book", "at": at, "lacks": chance.choice(("orders", "positions"))}
    return [_ONE.validate_python(fault)]


def _somewhere(chance: random.Random, begin: datetime, end: datetime) -> time:
    return _moment(begin + timedelta(seconds=chance.randint(0, max(int((end - begin).total_seconds()) - 1, 0))))


def wrong_clock(seed: int, begin: datetime) -> list[Fault]:
    """Return how the bot's machine has another hour than the venue on one day in five: from before the start on every
    other of these, from the midst of the day on the others, and for so long that the bot follows it."""
    chance = random.Random(f"clock {seed}")
    if chance.random() >= _WRONG_CLOCKS:
        return []
    at = begin if chance.random() < 0.5 else begin + timedelta(seconds=chance.randint(5, 50))
    fault = {"kind": "clock_jump", "at": _moment(at), "for_seconds": chance.randint(70, 140)}
    return [_ONE.validate_python({**fault, "by_seconds": chance.choice(_WRONG_BY)})]


def _moment(at: datetime) -> time:
    return at.astimezone(NEW_YORK).time().replace(microsecond=0)
