"""Circuit breakers: limits of the whole book, as a table of named rules over one view of it.

Context: a rule on a single entry (`bot.risk.rules`) cannot see that the day, the account or the machinery has gone
wrong. Decision: each breaker is a pure function to `ok | warning | tripped` with its numbers; what a trip does is a
column of the table. Consequence: a trip keeps entries out, some halt the session as well, none ever holds back an exit.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from functools import lru_cache
from typing import Any, Final

from bot.config.risk import RiskSettings, SilenceSettings
from bot.domain.breaker import BreakerState
from bot.domain.wording import compared, compared_percent, digits_apart, signed
from bot.risk.correlation import mean_correlation

_NEARLY = 0.8
"""From this share of a limit on a rate or a correlation is worth a warning."""


class Effect(StrEnum):
    """What a trip does beside keeping entries out."""

    BLOCK = "block"  # nothing more; ends with its cause
    ENTRY = "entry"  # none: it is shown, and a rule judges each entry by it
    HALT = "halt"  # the session halts; a person must resume
    FLATTEN = "flatten"  # the symbol's positions are closed


class Ends(StrEnum):
    """What ends a trip, in the words that stand beside the numbers. A loss that is made good again does not: what is
    sold at the next price may lie on the other side of the limit once more."""

    WITH_ITS_CAUSE = "ends with its cause"
    WITH_THE_DAY = "until the day is over"
    BY_A_PERSON = "until a person resumes"
    BY_A_PERSON_OR_THE_DAY = "until a person resumes or the day is over"


@dataclass(slots=True)
class BookView:
    """Everything that the breakers may know. A rule reads it; who measures keeps one and brings it up to date.

    Money in dollars. `exposures`: (underlying, direction) of each open position, direction +1 for a call and -1 for a
    put. `minutes`: underlying -> minute number -> last price of that minute. `silent_s`: data vendor -> seconds without
    a word; `link_lost_s`: seconds without a usable connection, 0 when all is well. `gaps`: underlying -> jump as a
    signed fraction.
    `account_seen_at`: up to when the account's values are reckoned in `high_water`, None: up to `now`.
    `same_bets`: neither `exposures` nor `minutes` have changed since they were read last.
    """

    now: datetime
    in_session: bool = False
    equity: Decimal | None = None
    day: date | None = None
    first_equity: Decimal | None = None
    high_water: Decimal | None = None
    account_seen_at: datetime | None = None
    losses_in_a_row: int = 0
    exposures: Sequence[tuple[str, int]] = ()
    minutes: Mapping[str, Mapping[int, Decimal]] = field(default_factory=dict)
    silent_s: Mapping[str, float] = field(default_factory=dict)
    link_lost_s: float = 0.0
    gaps: Mapping[str, Decimal] = field(default_factory=dict)
    same_bets: bool = False
    orders_last_minute: int = 0
    orders_in_window: int = 0
    rejections_in_window: int = 0


@dataclass(frozen=True, slots=True)
class BreakerReading:
    """One breaker's answer. `share` is the value as a part of its limit; None when it cannot be measured."""

    name: str
    state: BreakerState
    value: str
    limit: str
    share: float | None
    detail: str
    facts: Mapping[str, Any]

    @property
    def text(self) -> str:
        words = f"{self.name} {self.value} against {self.limit}"
        return f"{words} ({self.detail})" if self.detail else words


@dataclass(frozen=True, slots=True)
class _Found:
    state: BreakerState
    value: str
    limit: str
    share: float | None
    detail: str = ""
    facts: Mapping[str, Any] = field(default_factory=dict)


Rule = Callable[[BookView, RiskSettings], _Found]
Calm = Callable[[BookView, RiskSettings], bool]


@dataclass(frozen=True, slots=True)
class BreakerRule:
    """A row of the table. `calm` says, for little, that the rule would answer OK as it did last; where it does not say
    so, only the rule knows. `inputs`: what the answer follows from beside the settings, where that is little; None: it
    is asked each time. `ends`: what ends a trip; where a person's resume does, it counts anew."""

    name: str
    rule: Rule
    calm: Calm
    effect: Effect
    ends: Ends
    tells_warning: bool = False
    inputs: Callable[[BookView], object] = lambda view: None

    @property
    def resume_clears(self) -> bool:
        return self.ends in {Ends.BY_A_PERSON, Ends.BY_A_PERSON_OR_THE_DAY}

    def outlasts_its_cause(self, *, of_today: bool) -> bool:
        """Say whether a trip goes on although its numbers are back within the limit; `of_today`: it began today."""
        if self.ends in {Ends.WITH_THE_DAY, Ends.BY_A_PERSON_OR_THE_DAY}:
            return of_today
        return self.ends is Ends.BY_A_PERSON


def read_breakers(
    view: BookView, settings: RiskSettings, rows: Sequence[BreakerRule] | None = None
) -> tuple[BreakerReading, ...]:
    """Ask every breaker, in the table's order, or those of `rows` alone."""
    return tuple([_ask(row, view, settings) for row in (breakers_of(settings) if rows is None else rows)])


def _ask(row: BreakerRule, view: BookView, settings: RiskSettings) -> BreakerReading:
    found = row.rule(view, settings)
    return BreakerReading(row.name, found.state, found.value, found.limit, found.share, found.detail, found.facts)


def _state(share: float, warn_at: float) -> BreakerState:
    if share >= 1:
        return BreakerState.TRIPPED
    return BreakerState.WARNING if share >= warn_at else BreakerState.OK


def _unknown(limit: str, detail: str, **facts: Any) -> _Found:
    return _Found(BreakerState.OK, "unknown", limit, None, detail, facts)


def _part(value: Decimal, limit: Decimal) -> float:
    """Return value as a part of its limit; a limit of zero is reached by any value above zero."""
    if limit > 0:
        return float(value / limit)
    return 1.0 if value > 0 else 0.0


def _percent(value: Decimal) -> str:
    return f"{signed(value * 100, 2, plus=False)} %"


def _sums(value: Decimal, limit: Decimal) -> str:
    return f"{compared(value, limit, digits=0)[0]} USD" if limit else f"{signed(value, 0, plus=False)} USD"


def _daily_loss(view: BookView, settings: RiskSettings) -> _Found:
    """The loss since the day's first equity, against a fraction of that equity and a sum: whichever is nearer."""
    limit = f"{_percent(settings.daily_loss_fraction)}"
    if settings.daily_loss_usd:
        limit += f" or {settings.daily_loss_usd:,.0f} USD"
    if view.equity is None or view.first_equity is None or view.first_equity <= 0:
        words = "the account has not said both its first and its present value"
        return _unknown(limit, words, first_equity=view.first_equity, day=view.day)
    loss = max(view.first_equity - view.equity, Decimal(0))
    fraction = loss / view.first_equity
    of_sum = _part(loss, settings.daily_loss_usd) if settings.daily_loss_usd else 0.0
    share = max(_part(fraction, settings.daily_loss_fraction), of_sum)
    state = _state(share, 1.0)
    if state is BreakerState.OK and loss > 0 and fraction >= settings.daily_loss_warning_fraction:
        state = BreakerState.WARNING
    facts: dict[str, Any] = {"loss": loss, "fraction": fraction, "equity": view.equity}
    facts |= {"first_equity": view.first_equity, "day": view.day}
    part = compared_percent(fraction, settings.daily_loss_fraction)[0]
    return _Found(state, f"{part}, {_sums(loss, settings.daily_loss_usd)}", limit, share, "", facts)


def _drawdown(view: BookView, settings: RiskSettings) -> _Found:
    limit, seen_at = _percent(settings.max_drawdown_fraction), view.account_seen_at or view.now
    if view.equity is None or view.high_water is None or view.high_water <= 0:
        return _unknown(limit, "the account has not said its value", high_water=view.high_water, seen_at=seen_at)
    fall = max(view.high_water - view.equity, Decimal(0)) / view.high_water
    share = _part(fall, settings.max_drawdown_fraction)
    facts = {"fall": fall, "high_water": view.high_water, "seen_at": seen_at, "equity": view.equity}
    shown, limit = compared_percent(fall, settings.max_drawdown_fraction)
    return _Found(_state(share, _NEARLY), shown, limit, share, f"from {view.high_water:,.0f} USD", facts)


def _losses(view: BookView, settings: RiskSettings) -> _Found:
    lost, limit = view.losses_in_a_row, settings.max_losses_in_a_row
    warn_at = (limit - 1) / limit if limit > 1 else 1.0
    return _Found(_state(lost / limit, warn_at), str(lost), str(limit), lost / limit, "", {"losses_in_a_row": lost})


def _correlation(view: BookView, settings: RiskSettings) -> _Found:
    """How much the book is one bet. It is shown and never trips: what is refused is the entry that would add to it
    (`bot.risk.rules`), so that a hedge may enter while the book is too much alike."""
    limit = f"{settings.max_correlation:g}"
    mean, known, pairs = mean_correlation(view.exposures, view.minutes, settings.correlation_min_minutes)
    if not pairs:
        return _Found(BreakerState.OK, "no pair", limit, 0.0)
    detail = f"{known} of {pairs} pairs measured; judges each entry"
    facts = {"mean": mean, "known": known, "pairs": pairs}
    if mean is None:
        return _Found(BreakerState.WARNING, "unknown", limit, None, detail, facts)
    share = max(mean, 0.0) / settings.max_correlation
    shown, limit = compared(mean, settings.max_correlation)
    return _Found(_state(min(share, 0.999), _NEARLY), shown, limit, share, detail, facts)


def _silent(silence: SilenceSettings) -> Rule:
    """Return the rule of one vendor's silence."""

    def rule(view: BookView, settings: RiskSettings) -> _Found:
        if not view.in_session:
            return _Found(BreakerState.OK, "no session", f"{silence.after_s:g} s", 0.0)
        return _seconds(view.silent_s.get(silence.source, 0.0), silence.after_s)

    return rule


def _tws_gone(view: BookView, settings: RiskSettings) -> _Found:
    return _seconds(view.link_lost_s, settings.tws_gone_s)


def _seconds(silent: float, limit: float) -> _Found:
    share = silent / limit
    shown, most = compared(silent, limit, digits=0)
    return _Found(_state(share, _NEARLY), f"{shown} s", f"{most} s", share, "", {"seconds": round(silent, 1)})


def _gap(view: BookView, settings: RiskSettings) -> _Found:
    limit = _percent(settings.max_gap_fraction)
    if not view.gaps:
        return _Found(BreakerState.OK, "none", limit, 0.0)
    symbol, gap = max(view.gaps.items(), key=lambda item: (abs(item[1]), item[0]))
    share = _part(abs(gap), settings.max_gap_fraction)
    tripped = abs(gap) > settings.max_gap_fraction
    state = BreakerState.TRIPPED if tripped else _state(min(share, 0.999), _NEARLY)
    digits = digits_apart(abs(gap) * 100, settings.max_gap_fraction * 100)
    limit = f"{signed(settings.max_gap_fraction * 100, digits, plus=False)} %"
    return _Found(state, f"{signed(gap * 100, digits)} %", limit, share, symbol, {"gaps": dict(view.gaps)})


def _order_rate(view: BookView, settings: RiskSettings) -> _Found:
    """Tripped above the limit, not at it."""
    sent, limit = view.orders_last_minute, settings.max_orders_per_minute
    share = sent / limit
    state = BreakerState.TRIPPED if sent > limit else _state(min(share, 0.999), _NEARLY)
    return _Found(state, f"{sent} a minute", f"{limit} a minute", share, "", {"orders": sent})


def _rejections(view: BookView, settings: RiskSettings) -> _Found:
    sent, rejected = view.orders_in_window, view.rejections_in_window
    limit = f"{_percent(settings.max_rejection_fraction)}, from {settings.min_rejections} on"
    fraction = Decimal(rejected) / sent if sent else Decimal(0)
    enough = rejected >= settings.min_rejections
    share = _part(fraction, settings.max_rejection_fraction)
    shown = share if enough else min(share, rejected / settings.min_rejections, 0.999)
    state = _state(shown, _NEARLY) if enough else BreakerState.OK
    detail = f"{rejected} of {sent} in {settings.rejection_window_s:g} s"
    part = compared_percent(fraction, settings.max_rejection_fraction)[0]
    return _Found(state, part, limit, shown, detail, {"sent": sent, "rejected": rejected})


_SURELY: Final = Decimal("0.79")
"""Of a limit that warns at 0.8 and of one that trips at it: whatever the rounding, a rule says OK below."""


def _no_loss_worth_a_word(view: BookView, settings: RiskSettings) -> bool:
    if view.equity is None or view.first_equity is None or view.first_equity <= 0:
        return True
    loss = view.first_equity - view.equity
    if loss <= 0:
        return True
    part = _SURELY * min(settings.daily_loss_fraction, settings.daily_loss_warning_fraction)
    return loss < view.first_equity * part and not 0 < settings.daily_loss_usd <= loss


def _no_fall_worth_a_word(view: BookView, settings: RiskSettings) -> bool:
    if view.equity is None or view.high_water is None or view.high_water <= 0:
        return True
    fall = view.high_water - view.equity
    return fall <= 0 or fall < view.high_water * settings.max_drawdown_fraction * _SURELY


def _no_new_pair(view: BookView, settings: RiskSettings) -> bool:
    return view.same_bets or len(view.exposures) < 2


def _spoke_lately(silence: SilenceSettings) -> Calm:
    def calm(view: BookView, settings: RiskSettings) -> bool:
        return not view.in_session or view.silent_s.get(silence.source, 0.0) < float(_SURELY) * silence.after_s

    return calm


def _is_linked(view: BookView, settings: RiskSettings) -> bool:
    return view.link_lost_s < float(_SURELY) * settings.tws_gone_s


def _few_orders(view: BookView, settings: RiskSettings) -> bool:
    return view.orders_last_minute < float(_SURELY) * settings.max_orders_per_minute


_BEFORE_SILENCE: Final = (
    BreakerRule("daily_loss", _daily_loss, _no_loss_worth_a_word, Effect.HALT, Ends.WITH_THE_DAY, tells_warning=True),
    BreakerRule("drawdown", _drawdown, _no_fall_worth_a_word, Effect.HALT, Ends.BY_A_PERSON, tells_warning=True),
    BreakerRule(
        "losses",
        _losses,
        lambda view, _: not view.losses_in_a_row,
        Effect.BLOCK,
        Ends.BY_A_PERSON_OR_THE_DAY,
        inputs=lambda view: view.losses_in_a_row,
    ),
    BreakerRule(
        "correlation",
        _correlation,
        _no_new_pair,
        Effect.ENTRY,
        Ends.WITH_ITS_CAUSE,
        inputs=lambda view: view.exposures if view.same_bets else None,
    ),
)
_AFTER_SILENCE: Final = (
    BreakerRule("tws_gone", _tws_gone, _is_linked, Effect.BLOCK, Ends.WITH_ITS_CAUSE),
    BreakerRule("gap", _gap, lambda view, _: not view.gaps, Effect.FLATTEN, Ends.BY_A_PERSON_OR_THE_DAY),
    BreakerRule("order_rate", _order_rate, _few_orders, Effect.BLOCK, Ends.WITH_ITS_CAUSE),
    BreakerRule(
        "rejections", _rejections, lambda view, _: not view.rejections_in_window, Effect.HALT, Ends.BY_A_PERSON
    ),
)


@lru_cache(maxsize=16)
def _rows(silences: tuple[SilenceSettings, ...]) -> tuple[BreakerRule, ...]:
    of_vendors = [
        BreakerRule(each.breaker, _silent(each), _spoke_lately(each), Effect.BLOCK, Ends.WITH_ITS_CAUSE)
        for each in silences
    ]
    return (*_BEFORE_SILENCE, *of_vendors, *_AFTER_SILENCE)


def breakers_of(settings: RiskSettings) -> tuple[BreakerRule, ...]:
    """Return every breaker of these settings: the table's, and one for each vendor whose silence counts."""
    return _rows(settings.silent)


BREAKERS: Final = breakers_of(RiskSettings())
"""Those of the shipped settings."""
