"""What the model is asked, task by task: facts of one look at the store, and strangers' texts apart from them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Any, Final

from sqlalchemy import Connection

from bot.config.schema import Settings
from bot.domain.calendar import new_york_day
from bot.domain.overseer import ModelTask, OverseerFinding
from bot.domain.wording import clock_time, key_words
from bot.overseer.desk import ModelQuestion
from bot.overseer.facts import Facts
from bot.overseer.prompts import Quoted
from bot.store import read as ask
from bot.store.read import money, overseer
from bot.store.read.settings import live_settings

_STRANGERS: Final = ("headlines", "news", "chat")
"""Parts of what a strategy saw that are texts of strangers."""
_MOST_SEEN: Final = 12
_ALL: Final = 10_000


def anomaly(facts: Facts, found: Sequence[OverseerFinding]) -> ModelQuestion:
    """Ask what lasts means as a whole."""
    given = {
        **_now(facts),
        "findings": {
            f"{each.code}:{each.entity}": {"severity": each.severity, "words": each.words, **each.facts}
            for each in found
        },
    }
    keys = sorted(f"{each.code}:{each.entity}" for each in found)
    return ModelQuestion(ModelTask.ANOMALY, "", given, about={"rules": keys[:_MOST_SEEN]})


def review(connection: Connection, row: overseer.ReviewRow, within_s: float) -> ModelQuestion | None:
    """Ask about a signal before it is traded; None: it is not there any more."""
    signal = ask.signal(connection, row.signal_id)
    pulse, account = ask.pulse(connection), ask.account(connection)
    if signal is None or pulse is None:
        return None
    seen, quoted = _seen(connection, signal.id)
    equity = account.net_liquidation if account is not None else None
    given = {
        "now": clock_time(pulse.at),
        "why_reviewed": list(row.why),
        "strategy": signal.strategy,
        "contract": key_words(signal.contract_key, pulse.at.date()),
        "quantity": signal.quantity,
        "limit_price": str(signal.limit_price),
        "premium_usd": str(signal.notional),
        "premium_percent_of_equity": _percent(signal.notional, equity),
        "saw": seen,
        "positions_held": len(ask.open_positions(connection)),
        "day_pnl_usd": str(account.day_pnl) if account is not None else None,
    }
    return ModelQuestion(ModelTask.REVIEW, row.id, given, quoted, {"signal_id": signal.id}, within_s)


def explanation(connection: Connection, position_id: str) -> ModelQuestion | None:
    """Ask why we entered."""
    held = ask.position(connection, position_id)
    if held is None:
        return None
    seen, quoted = _seen(connection, held.signal_id)
    given = {
        "strategy": held.strategy,
        "contract": key_words(held.contract_key, held.opened_at.date()),
        "quantity": held.entry_quantity,
        "entry_price": str(held.entry_price),
        "entered": clock_time(held.opened_at),
        "premium_usd": str(held.entry_value * held.multiplier),
        "stop_price": None if held.stop_price is None else str(held.stop_price),
        "saw": seen,
    }
    return ModelQuestion(ModelTask.EXPLANATION, held.id, given, quoted)


def day_summary(connection: Connection, day: date) -> ModelQuestion:
    """Ask for the day in a few sentences."""
    today, over = money.money_of_day(connection, day), ask.closed_positions(connection, day, _ALL)
    ranked = sorted(over, key=lambda row: row.realized_pnl)
    named = {
        name: {"contract": key_words(row.contract_key, day), "pnl_usd": str(row.realized_pnl)}
        for name, row in (("best", ranked[-1]), ("worst", ranked[0]))
    } if ranked else {}  # fmt: skip
    given = {
        "day": day.isoformat(),
        "trades": today.closed,
        "wins": today.wins,
        "win_rate_percent": None if today.win_rate is None else f"{today.win_rate * 100:.1f}",
        "pnl_usd": str(today.total),
        "fees_usd": str(today.fees),
        **named,
    }
    return ModelQuestion(ModelTask.DAY_SUMMARY, day.isoformat(), given)


def alert_context(connection: Connection, facts: Facts, row: ask.AlertRow) -> ModelQuestion:
    """Ask what stands around an alert. Its text holds words of strangers, so it is quoted."""
    bare = overseer.bare_positions(connection)
    given = {
        **_now(facts),
        "alert": row.code,
        "severity": row.severity,
        "raised": clock_time(row.at),
        "positions_held": len(ask.open_positions(connection)),
        "contracts_without_stop": sum(each.unprotected_quantity for each in bare),
    }
    return ModelQuestion(ModelTask.ALERT_CONTEXT, row.id, given, (Quoted("alert", row.text),), {"code": row.code})


def risk(connection: Connection, facts: Facts, settings: Settings, subject: str) -> ModelQuestion:
    """Ask what is at risk, in plain words; `subject`: the hour that it is of."""
    today = money.money_of_day(connection, new_york_day(facts.now))
    given = {
        **_now(facts),
        "positions_held": len(today.positions),
        "exposure_usd": str(today.exposure),
        "at_risk_usd": str(today.at_risk),
        "at_risk_percent_of_equity": _percent(today.at_risk, today.equity),
        "day_pnl_usd": str(today.total),
        "day_loss_limit_percent": f"{live_settings(connection, settings).risk.daily_loss_fraction * 100:.1f}",
    }
    return ModelQuestion(ModelTask.RISK, subject, given)


def _now(facts: Facts) -> dict[str, Any]:
    return {
        "now": clock_time(facts.now),
        "session": facts.session_state,
        "market_is_open": facts.session_s is not None,
        "broker": facts.link_state,
        "equity_usd": None if facts.equity is None else str(facts.equity),
    }


def _seen(connection: Connection, signal_id: str | None) -> tuple[Mapping[str, Any], tuple[Quoted, ...]]:
    """Return what the strategy saw, and apart from it what strangers wrote."""
    seen = overseer.what_it_saw(connection, signal_id)
    strangers = [(name, seen[name]) for name in _STRANGERS if isinstance(seen.get(name), list)]
    quoted = [Quoted(name, str(text)) for name, texts in strangers for text in texts]
    ours = {name: value for name, value in list(seen.items())[:_MOST_SEEN] if name not in _STRANGERS}
    return ours, tuple(quoted)


def _percent(part: Decimal, whole: Decimal | None) -> str | None:
    return None if not whole or whole <= 0 else f"{part / whole * 100:.2f}"
