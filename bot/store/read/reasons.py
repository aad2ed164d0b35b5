"""Why a signal is what it is: what the strategy saw, every rule as it was asked, and who decides.

The facts are those that the engine wrote with its transitions; here they become sentences, value against limit. A rule
that no row of the table knows keeps the words that the engine gave it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from types import MappingProxyType
from typing import Any, Final

from bot.domain.wording import NOTHING, compared, compared_percent, dollars, price
from bot.store import read as ask
from bot.store.values import parse_json

Facts = Mapping[str, Any]

RULES_DECIDE: Final = "the rules decide"
YOUR_DECISION: Final = "your decision"
_UNKNOWN: Final = "not known"


@dataclass(frozen=True, slots=True)
class Check:
    """One rule: its question in words, whether it is content, value against limit."""

    title: str
    passed: bool
    words: str


@dataclass(frozen=True, slots=True)
class Reasons:
    """`why`: what the strategy saw; `decides`: who decides or decided; `checks`: the rules, the failed first."""

    why: str = ""
    decides: str = ""
    checks: tuple[Check, ...] = ()

    @property
    def failed(self) -> tuple[Check, ...]:
        return tuple(check for check in self.checks if not check.passed)

    @property
    def summary(self) -> str:
        """Return the checklist in one line: what failed, value against limit, else how many rules are content."""
        if self.failed:
            return "; ".join(f"{check.title.lower()}: {check.words}" for check in self.failed)
        return f"all {len(self.checks)} rules passed" if self.checks else ""


def reasons_of(steps: Sequence[ask.TransitionRow], *, waits: bool) -> Reasons:
    """Return the reasons of one signal from its own transitions, oldest first; `waits`: a person is asked right now."""
    why, decides = "", ""
    rules: Facts = {}
    for step in steps:
        facts = parse_json(step.evidence) or {}
        if step.trigger == "created":
            why = _seen(facts, step.reason)
        rules = facts if _asked(facts) else rules
        decides = _decided(step) or decides
    return Reasons(why, YOUR_DECISION if waits else decides, checks_of(rules))


def checks_of(facts: Facts) -> tuple[Check, ...]:
    """Return the rules that stand among the facts of one transition, as a checklist: the failed first."""
    found = (_check(name, each) for name, each in _asked(facts).items())
    return tuple(sorted(found, key=lambda check: check.passed))


def _asked(facts: Facts) -> Mapping[str, Facts]:
    return {name: each for name, each in facts.items() if isinstance(each, Mapping) and "passed" in each}


def _seen(facts: Facts, reason: str) -> str:
    """Return what the strategy saw in its own sentence, and what the size is bound by."""
    saw = str(facts.get("reason") or reason)
    size = str(facts.get("size") or "")
    return f"{saw}. Size: {size.partition(' ')[2] or size}" if size else saw


def _decided(step: ask.TransitionRow) -> str:
    by_rules = step.actor in {"tick", "rules"}
    who = step.actor.removeprefix("admin:web:")
    if step.trigger == "ask":
        return RULES_DECIDE if RULES_DECIDE in step.reason else f"{YOUR_DECISION}, not answered"
    if step.trigger == "approve":
        return RULES_DECIDE if by_rules else f"approved by {who}"
    if step.trigger == "reject":
        return "refused by a rule" if by_rules else f"rejected by {who}"
    return "not answered" if step.trigger == "expire" else ""


def _check(name: str, facts: Facts) -> Check:
    title, words = RULES.get(name, (name.replace("_", " ").capitalize(), _as_told))
    try:
        said = words(facts)
    except (KeyError, ValueError, TypeError, InvalidOperation):
        said = _as_told(facts)
    return Check(title, bool(facts["passed"]), said)


def _as_told(facts: Facts) -> str:
    return str(facts.get("text", ""))


def _number(value: Any) -> Decimal:
    return Decimal(str(value))


def _money(value: Any) -> str:
    return _UNKNOWN if value is None else dollars(_number(value))


def _counted(facts: Facts) -> str:
    return f"this one would be number {facts['would_be']}, at most {facts['max']}"


def _market(facts: Facts) -> str:
    if "open" not in facts:
        return f"no session on {facts['day']}"
    return f"{facts['now']}, open from {facts['open']} to {facts['close']}"


def _loss(facts: Facts) -> str:
    if "loss" not in facts:
        return f"{_UNKNOWN}: equity {_money(facts['equity'])}, day {_money(facts['day_pnl'])}"
    lost, limit = compared_percent(_number(facts["loss"]), _number(facts["max"]))
    return f"{lost} lost, under {limit} needed"


def _pair(facts: Facts) -> str:
    if facts["would_be"] is None:
        return f"nothing else is on, at most {facts['max']}"
    value, limit = compared(_number(facts["would_be"]), _number(facts["max"]), plus=True)
    return f"{value} with {facts['pair']}{'' if facts['measured'] else ' (not measured yet)'}, at most {limit}"


def _mean(facts: Facts) -> str:
    if facts["would_be"] is None:
        return f"no pair, at most {facts['max']}"
    value, limit = compared(_number(facts["would_be"]), _number(facts["max"]), plus=True)
    return f"would be {value}, at most {limit}"


def _premium(facts: Facts) -> str:
    if "max" not in facts:
        return f"{_UNKNOWN}: equity {_money(facts['equity'])}"
    if "one_contract" in facts:
        return f"one contract costs {_money(facts['one_contract'])}, budget {_money(facts['max'])}"
    return f"{_money(facts['would_be'])}, at most {_money(facts['max'])}"


def _order_size(facts: Facts) -> str:
    shown = "nothing" if facts["displayed"] is None else facts["displayed"]
    return f"{shown} displayed, chunks of {facts['max']}"


def _funds(facts: Facts) -> str:
    if facts.get("error"):
        return f"the broker refuses its preview: {facts['error']}"
    if "max_s" in facts:
        return f"the broker's preview is {facts['age_s']} s old, at most {facts['max_s']} s"
    if "funds_after" not in facts:
        return "the broker's preview has not come" if "equity" not in facts else "the broker's preview names no funds"
    return f"{_money(facts['funds_after'])} left after it, margin {_money(facts['margin_change'])}"


def _spread(facts: Facts) -> str:
    sides = " / ".join(NOTHING if facts[side] is None else price(_number(facts[side])) for side in ("bid", "ask"))
    if facts.get("would_be") is None:
        return f"{_UNKNOWN}, bid / ask {sides}"
    value, limit = compared_percent(_number(facts["would_be"]), _number(facts["max"]))
    return f"{value} of mid, at most {limit}, bid / ask {sides}"


def _age(facts: Facts) -> str:
    if "age_s" not in facts:
        return f"no quote: {facts['fault']}"
    value, limit = compared(_number(facts["age_s"]), _number(facts["max_s"]), digits=1)
    fault = f" ({facts['fault']})" if facts.get("fault") else ""
    return f"{value} s old, at most {limit} s{fault}"


def _cut_off(facts: Facts) -> str:
    if facts["days_to_expiry"] != 0:
        return f"expires in {facts['days_to_expiry']} days"
    return f"{facts['now']}, expires today: before {facts['cut_off']}" if "now" in facts else "no session today"


def _pace(facts: Facts) -> str:
    if "spacing_s" not in facts:
        return "entries are not slowed"
    if facts["since_s"] is None:
        return f"slowed: {facts['spacing_s']} s between entries, none yet"
    value, limit = compared(_number(facts["since_s"]), _number(facts["spacing_s"]), digits=0)
    return f"slowed: {value} s since the last entry, {limit} s needed"


def _week(facts: Facts) -> str:
    if "loss" not in facts:
        return _as_told(facts)
    value, limit = compared_percent(_number(facts["loss"]), _number(facts["max"]))
    return f"{value} lost, at most {limit}"


def _of_the_book(facts: Facts) -> str:
    """A limit of the book in dollars; of greeks that are not known, and of no sector, there is none."""
    if "would_be" not in facts:
        return "not known" if "measured" in facts else _as_told(facts)
    value, limit = compared(_number(facts["would_be"]), _number(facts["max"]), digits=0)
    return f"{value} USD with it, at most {limit} ({facts['of']})"


NO_REASONS: Final = Reasons()

RULES: Final[Mapping[str, tuple[str, Callable[[Facts], str]]]] = MappingProxyType({
    "session_active": ("Session active", lambda facts: str(facts["state"]).replace("_", " ")),
    "market_open": ("Market open", _market),
    "connection": ("Broker in step", lambda facts: str(facts["state"]).replace("_", " ")),
    "breakers": ("No breaker tripped", lambda facts: str(facts.get("breakers") or "none tripped")),
    "equity_known": ("Equity known", lambda facts: "known" if facts["passed"] else _as_told(facts)),
    "daily_loss": ("Loss of the day", _loss),
    "weekly_loss": ("Loss of the week", _week),
    **{name: (words, _of_the_book) for name, words in (
        ("open_premium", "Premium at risk"), ("symbol_share", "On one symbol"), ("sector_share", "In one sector"),
        ("book_delta", "Delta of the book"), ("book_gamma", "Gamma of the book"), ("book_vega", "Vega of the book"),
        ("book_theta", "Theta of the book"),
    )},
    "event_blackout": ("No event near", lambda facts: str(facts.get("event") or "none")),
    "positions_total": ("Positions", _counted),
    "positions_direction": ("Same direction", lambda facts: f"{_counted(facts)} ({facts['direction']})"),
    "positions_symbol": ("On the symbol", lambda facts: f"{_counted(facts)} ({facts['symbol']})"),
    "pair_correlation": ("Correlation of a pair", _pair),
    "mean_correlation": ("Mean correlation", _mean),
    "symbol_clear": ("Symbol not halted", lambda facts: str(facts["reason"] or f"{facts['symbol']} is clear")),
    "one_side": ("Only one side", lambda facts: f"{facts['held']} held, {facts['sells']} sales alive, needs 0"),
    "orders_on_contract": ("Orders on the contract", _counted),
    "premium_budget": ("Premium", _premium),
    "order_size": ("Displayed size", _order_size),
    "buying_power": ("Buying power", _funds),
    "spread": ("Spread", _spread),
    "quote_fresh": ("Quote fresh", _age),
    "inputs_fresh": ("Inputs fresh", lambda facts: str(facts.get("faults") or "all fresh")),
    "pace": ("Space between entries", _pace),
    "zero_dte_cut_off": ("Not too late", _cut_off),
})  # fmt: skip
