"""Whether a signal may be traded. All rules are asked every time, so that a refusal names everything against it.

A rule answers with a stable code and its numbers (`SPREAD_TOO_WIDE would_be=0.1200 max=0.1000`), the same words for
the log, the store, the page and the tests. What is unknown is refused: an absent number is never read as a good one.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any, Final

from bot.config.risk import RiskSettings
from bot.domain.calendar import TradingSession
from bot.domain.events.orders import WhatIfAnswered
from bot.domain.instruments import OptionContract, Right
from bot.domain.money import CENT
from bot.domain.quotes import Quote
from bot.domain.session import SessionState
from bot.domain.wording import clock_time, digits_apart, rounded
from bot.risk.book_limits import BOOK_LIMITS, BookAtRisk, rooms
from bot.risk.correlation import Bet, Minutes, bet_on, mean_correlation, signed

_ALONE: Final = BookAtRisk()


@dataclass(frozen=True, slots=True)
class EntryView:
    """Everything that the rules may know of one entry.

    `limit_price` per share. `equity` is the account's present value in dollars and `day_pnl` its change since the
    day's first value. `open_*` count positions and signals on their way, this one not included. `today` is the New
    York date of `now`; `breakers` are the tripped ones, in words.
    """

    contract: OptionContract
    quantity: int
    limit_price: Decimal
    quote: Quote | None
    now: datetime
    today: date
    session_state: SessionState
    session: TradingSession | None
    connection_state: str
    connection_allows_entry: bool
    equity: Decimal | None
    day_pnl: Decimal | None
    open_calls: int
    open_puts: int
    open_total: int
    open_on_symbol: int
    what_if: WhatIfAnswered | None
    input_faults: tuple[str, ...]
    breakers: tuple[str, ...] = ()
    symbol_halt: str = ""  # why entries on the symbol are halted
    held_on_contract: int = 0  # contracts of ours
    sells_on_contract: int = 0  # our live orders
    buys_on_contract: int = 0
    bets: Sequence[Bet] = ()  # open positions, and entries that come before this one
    minutes: Minutes = field(default_factory=dict)
    equity_fault: str = ""  # a code: why there is no equity to reckon with; empty: there is
    equity_facts: Mapping[str, Any] = field(default_factory=dict)
    order_most: int = 1  # contracts that one order may ask for
    spacing_s: float = 0.0  # entries are so far apart while they are slowed
    into_the_close: bool = False  # its plan is that of the close
    week_pnl: Decimal = Decimal(0)  # of trades that ended this week, and open
    book: BookAtRisk = _ALONE  # what is at risk beside it
    premium_most: Decimal | None = None  # of equity, by the kind of trade; None: as `max_premium_fraction` has it
    blackout: str = ""  # the scheduled event that keeps it out
    since_entry_s: float | None = None  # since the last entry of another signal; None: there was none

    @property
    def bet(self) -> Bet:
        return bet_on(self.contract)

    @property
    def notional(self) -> Decimal:
        """Full premium in dollars."""
        return self.limit_price * self.contract.multiplier * self.quantity


@dataclass(frozen=True, slots=True)
class RuleResult:
    """One rule's answer; `text` begins with a code in capitals, or with `ok` when the rule is content."""

    rule: str
    passed: bool
    text: str
    facts: Mapping[str, Any]


ORDERS_PER_SIDE: Final = 20
"""IBKR takes so many working orders a contract and side, per account."""

Verdict = tuple[str | None, dict[str, Any]]
"""The code of the refusal, None when content, and the numbers."""

Rule = Callable[[EntryView, RiskSettings], Verdict]


def validate_entry(view: EntryView, settings: RiskSettings) -> tuple[RuleResult, ...]:
    """Ask every rule, in a fixed order; the entry is allowed when none failed."""
    return tuple(_ask(name, rule, view, settings) for name, rule in RULES)


def failed(results: tuple[RuleResult, ...]) -> tuple[RuleResult, ...]:
    return tuple(result for result in results if not result.passed)


def _ask(name: str, rule: Rule, view: EntryView, settings: RiskSettings) -> RuleResult:
    code, facts = rule(view, settings)
    words = [code or "ok", *(f"{key}={_show(value)}" for key, value in facts.items())]
    return RuleResult(name, code is None, " ".join(words), facts)


def _show(value: Any) -> str:
    if isinstance(value, Decimal):
        return f"{value:f}"
    return "none" if value is None else str(value)


def _unless(content: bool, code: str) -> str | None:
    return None if content else code


def _session_active(view: EntryView, _: RiskSettings) -> Verdict:
    active = view.session_state is SessionState.ACTIVE
    return _unless(active, "SESSION_NOT_ACTIVE"), {"state": view.session_state.value}


def _market_open(view: EntryView, _: RiskSettings) -> Verdict:
    session = view.session
    if session is None:
        return "MARKET_CLOSED", {"day": view.today.isoformat(), "session": None}
    facts = {"now": clock_time(view.now), "open": clock_time(session.open_at), "close": clock_time(session.close_at)}
    return _unless(session.is_open(view.now), "MARKET_CLOSED"), facts


def _connection(view: EntryView, _: RiskSettings) -> Verdict:
    return _unless(view.connection_allows_entry, "CONNECTION_FORBIDS_ENTRY"), {"state": view.connection_state}


def _breakers(view: EntryView, _: RiskSettings) -> Verdict:
    if not view.breakers:
        return None, {}
    return "BREAKER_TRIPPED", {"breakers": "; ".join(view.breakers)}


def _daily_loss(view: EntryView, settings: RiskSettings) -> Verdict:
    """The loss is measured against the day's first equity, which is today's less what today brought."""
    maximum = settings.daily_loss_fraction
    if view.equity is None or view.day_pnl is None or view.equity - view.day_pnl <= 0:
        return "DAILY_LOSS_UNKNOWN", {"day_pnl": view.day_pnl, "equity": view.equity, "max": maximum}
    first = view.equity - view.day_pnl
    loss = max(-view.day_pnl, Decimal(0)) / first
    facts = {"loss": _against(loss, maximum), "max": maximum, "day_pnl": view.day_pnl, "first_equity": first}
    return _unless(loss < maximum, "DAILY_LOSS_LIMIT"), facts


def _weekly_loss(view: EntryView, settings: RiskSettings) -> Verdict:
    """What the trades that ended this week and those that are open brought, against equity as if they had not been."""
    maximum = settings.weekly_loss_fraction
    if view.equity is None or view.equity - view.week_pnl <= 0:
        return "WEEKLY_LOSS_UNKNOWN", {"week_pnl": view.week_pnl, "equity": view.equity, "max": maximum}
    loss = max(-view.week_pnl, Decimal(0)) / (view.equity - view.week_pnl)
    facts = {"loss": _against(loss, maximum), "max": maximum, "week_pnl": view.week_pnl}
    return _unless(loss < maximum, "WEEKLY_LOSS_LIMIT"), facts


def _equity_known(view: EntryView, _: RiskSettings) -> Verdict:
    """Equity that is too old, or not in dollars, is no equity: no limit that is a part of it can be judged."""
    return view.equity_fault or None, dict(view.equity_facts)


def _pair_correlation(view: EntryView, settings: RiskSettings) -> Verdict:
    """Refuse what would be one bet with something that is on. A pair that cannot be measured yet counts as one where
    the two go the same way, and as a hedge where they do not."""
    maximum, worst, pair, measured = settings.max_pair_correlation, -1.0, "none", True
    for other in view.bets:
        found = signed(view.minutes, view.bet, other, settings.correlation_min_minutes)
        would_be = float(view.bet[1] * other[1]) if found is None else found
        if would_be > worst:
            worst, pair, measured = would_be, f"{view.bet[0]}/{other[0]}", found is not None
    if not view.bets:
        return None, {"would_be": None, "max": maximum}
    facts = {"would_be": round(worst, 4), "max": maximum, "pair": pair, "measured": measured}
    return _unless(worst <= maximum, "PAIR_CORRELATION_TOO_HIGH"), facts


def _mean_correlation(view: EntryView, settings: RiskSettings) -> Verdict:
    """Refuse what would raise the book's mean above the limit; what lowers it may enter, wherever it stands."""
    least = settings.correlation_min_minutes
    before, _, _ = mean_correlation(view.bets, view.minutes, least)
    after, _, _ = mean_correlation((*view.bets, view.bet), view.minutes, least)
    facts = {"would_be": _rounded(after), "is": _rounded(before), "max": settings.max_correlation}
    raises = after is not None and (before is None or after > before)
    over = after is not None and after > settings.max_correlation
    return _unless(not (raises and over), "MEAN_CORRELATION_TOO_HIGH"), facts


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 4)


def _positions_total(view: EntryView, settings: RiskSettings) -> Verdict:
    return _count("TOO_MANY_POSITIONS", view.open_total, settings.max_positions)


def _positions_direction(view: EntryView, settings: RiskSettings) -> Verdict:
    is_call = view.contract.right is Right.CALL
    code, facts = _count(
        "TOO_MANY_IN_DIRECTION", view.open_calls if is_call else view.open_puts, settings.max_same_direction
    )
    return code, {**facts, "direction": "call" if is_call else "put"}


def _positions_symbol(view: EntryView, settings: RiskSettings) -> Verdict:
    code, facts = _count("TOO_MANY_ON_SYMBOL", view.open_on_symbol, settings.max_per_symbol)
    return code, {**facts, "symbol": view.contract.symbol}


def _count(code: str, present: int, maximum: int) -> Verdict:
    would_be = present + 1
    return _unless(would_be <= maximum, code), {"would_be": would_be, "max": maximum}


def _symbol_clear(view: EntryView, _: RiskSettings) -> Verdict:
    facts = {"symbol": view.contract.symbol, "reason": view.symbol_halt or None}
    return _unless(not view.symbol_halt, "SYMBOL_HALTED"), facts


def _one_side(view: EntryView, _: RiskSettings) -> Verdict:
    """IBKR refuses a working buy and a working sell on one US option, and what is held has its stop working."""
    facts = {"held": view.held_on_contract, "sells": view.sells_on_contract}
    return _unless(not view.held_on_contract and not view.sells_on_contract, "OTHER_SIDE_ALIVE"), facts


def _orders_on_contract(view: EntryView, _: RiskSettings) -> Verdict:
    return _count("TOO_MANY_ORDERS_ON_CONTRACT", view.buys_on_contract, ORDERS_PER_SIDE)


def _premium_budget(view: EntryView, settings: RiskSettings) -> Verdict:
    if view.equity is None or view.limit_price <= 0:
        return "PREMIUM_UNKNOWN", {"equity": view.equity, "limit_price": view.limit_price}
    fraction = settings.max_premium_fraction if view.premium_most is None else view.premium_most
    budget = view.equity * fraction
    if view.quantity < 1:
        one = view.limit_price * view.contract.multiplier
        return "PREMIUM_BUDGET_TOO_SMALL", {"one_contract": one, "max": budget, "quantity": view.quantity}
    facts = {"would_be": view.notional, "max": budget, "quantity": view.quantity}
    return _unless(view.notional <= budget, "PREMIUM_TOO_LARGE"), facts


def _book(code: str) -> Rule:
    """Return the rule of one limit of the book. A limit of greeks that are not known is not judged, and says so."""

    def rule(view: EntryView, settings: RiskSettings) -> Verdict:
        if view.equity is None or view.limit_price <= 0:
            return f"{code}_UNKNOWN", {"equity": view.equity, "limit_price": view.limit_price}
        cost = view.limit_price * view.contract.multiplier
        room = next((each for each in rooms(view.book, settings, view.equity, cost) if each.code == code), None)
        if room is None:
            return None, {"measured": False}
        would_be = room.present + room.a_contract * view.quantity
        facts = {"would_be": would_be.quantize(CENT), "max": room.limit.quantize(CENT), "of": room.words}
        return _unless(not room.refuses(view.quantity), f"{code}_TOO_LARGE"), facts

    return rule


def _event_blackout(view: EntryView, settings: RiskSettings) -> Verdict:
    if not view.blackout:
        return None, {}
    return "EVENT_BLACKOUT", {"event": view.blackout, "apart_s": settings.event_blackout_s}


def _order_size(view: EntryView, settings: RiskSettings) -> Verdict:
    """What is larger goes out in chunks; where nothing is displayed there is no chunk."""
    shown = min(view.quote.bid_size, view.quote.ask_size) if view.quote is not None else None
    facts = {"displayed": shown, "multiple": settings.max_displayed_multiple, "max": view.order_most}
    return _unless(view.order_most >= 1, "DISPLAYED_SIZE"), facts


def _buying_power(view: EntryView, settings: RiskSettings) -> Verdict:
    """The broker's own preview: what the account may lend against, less what it must keep, after this order."""
    answer = view.what_if
    if answer is None:
        return "WHAT_IF_MISSING", {}
    if answer.error is not None:
        return "WHAT_IF_REFUSED", {"error": answer.error}
    age_s = (view.now - answer.at).total_seconds()
    if age_s > settings.what_if_max_age_s:
        most = settings.what_if_max_age_s
        return "WHAT_IF_STALE", {"age_s": float(_against(age_s, most, 1)), "max_s": most}
    if answer.equity_with_loan_after is None or answer.init_margin_after is None:
        return "BUYING_POWER_UNKNOWN", {"equity": answer.equity_with_loan_after, "margin": answer.init_margin_after}
    left = answer.equity_with_loan_after - answer.init_margin_after
    facts = {"funds_after": left, "min": 0, "margin_change": answer.init_margin_change, "age_s": round(age_s, 1)}
    return _unless(left >= 0, "BUYING_POWER_TOO_SMALL"), facts


def _spread(view: EntryView, settings: RiskSettings) -> Verdict:
    fraction = view.quote.spread_fraction if view.quote else None
    maximum = settings.max_spread_fraction
    if fraction is None or fraction < 0:
        return "SPREAD_UNKNOWN", {"max": maximum, **_sides(view.quote)}
    facts = {"would_be": _against(fraction, maximum), "max": maximum, **_sides(view.quote)}
    return _unless(fraction <= maximum, "SPREAD_TOO_WIDE"), facts


def _sides(quote: Quote | None) -> dict[str, Any]:
    return {"bid": quote.bid if quote else None, "ask": quote.ask if quote else None}


def _quote_fresh(view: EntryView, settings: RiskSettings) -> Verdict:
    maximum = settings.quote_max_age_s
    if view.quote is None:
        return "QUOTE_NOT_FIT", {"fault": "missing", "contract": view.contract.key}
    fault = view.quote.fault(view.now, timedelta(seconds=maximum))
    age_s = (view.now - view.quote.sound_at).total_seconds()
    facts = {"age_s": float(_against(age_s, maximum, 1)), "max_s": maximum}
    return (None, facts) if fault is None else ("QUOTE_NOT_FIT", {"fault": fault.value, **facts})


def _inputs_fresh(view: EntryView, _: RiskSettings) -> Verdict:
    if not view.input_faults:
        return None, {}
    return "INPUTS_NOT_FIT", {"faults": ", ".join(view.input_faults)}


def _pace(view: EntryView, _: RiskSettings) -> Verdict:
    """While entries are slowed there is a space between one and the next."""
    if not view.spacing_s:
        return None, {}
    facts = {"since_s": view.since_entry_s, "spacing_s": view.spacing_s}
    return _unless(view.since_entry_s is None or view.since_entry_s >= view.spacing_s, "SLOWED"), facts


def _zero_dte_cut_off(view: EntryView, settings: RiskSettings) -> Verdict:
    days = view.contract.days_to_expiry(view.today)
    facts: dict[str, Any] = {"days_to_expiry": days}
    if days < 0:
        return "CONTRACT_EXPIRED", facts
    if days > 0:
        return None, facts
    if view.session is None:
        return "ZERO_DTE_TOO_LATE", {**facts, "session": None}
    cut_off = view.session.cut_off(settings.no_moc_after if view.into_the_close else settings.no_zero_dte_after)
    facts |= {"now": clock_time(view.now), "cut_off": clock_time(cut_off)}
    return _unless(view.now < cut_off, "ZERO_DTE_TOO_LATE"), facts


def _against(value: Decimal | float, limit: Decimal | float, digits: int = 4) -> Decimal:
    """Round for the eye, but never onto the limit: the comparison was made on the exact value, and must be seen."""
    return rounded(value, digits_apart(value, limit, digits))


RULES: Final[tuple[tuple[str, Rule], ...]] = (
    ("session_active", _session_active),
    ("market_open", _market_open),
    ("connection", _connection),
    ("breakers", _breakers),
    ("equity_known", _equity_known),
    ("daily_loss", _daily_loss),
    ("weekly_loss", _weekly_loss),
    ("positions_total", _positions_total),
    ("positions_direction", _positions_direction),
    ("positions_symbol", _positions_symbol),
    ("pair_correlation", _pair_correlation),
    ("mean_correlation", _mean_correlation),
    ("symbol_clear", _symbol_clear),
    ("one_side", _one_side),
    ("orders_on_contract", _orders_on_contract),
    ("premium_budget", _premium_budget),
    *((code.lower(), _book(code)) for code in BOOK_LIMITS),
    ("order_size", _order_size),
    ("buying_power", _buying_power),
    ("spread", _spread),
    ("quote_fresh", _quote_fresh),
    ("inputs_fresh", _inputs_fresh),
    ("zero_dte_cut_off", _zero_dte_cut_off),
    ("event_blackout", _event_blackout),
    ("pace", _pace),
)
