"""Commands that read: money, trades, positions, the machine. Each asks the room that reads, as the page does, so that
their figures agree."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any, Final

from sqlalchemy import Connection

from bot.admin import pictures
from bot.admin.lookup import SHORT, Unclear, one
from bot.admin.texts import ChatAnswer, ChatReply, in_columns, paged, plainly
from bot.alerts.ground import PeopleGround
from bot.analytics.performance import Figures, figures, grouped
from bot.config.secret_words import shown
from bot.domain.alert import OPEN as OPEN_ALERTS
from bot.domain.calendar import new_york_day
from bot.domain.lifecycles import LIFECYCLES
from bot.domain.notices import INFO
from bot.domain.requests import Subject
from bot.domain.wording import NOTHING, dollars, key_words, new_york, price, signed
from bot.store import read as ask
from bot.store.read.earnings import earnings
from bot.store.read.jobs import jobs
from bot.store.read.money import money_of_day, open_of
from bot.store.read.protections import protections
from bot.store.read.quiet import quiet_times
from bot.store.read.reasons import reasons_of
from bot.store.read.settings import live_settings
from bot.store.read.strategies import ShadowIdea, shadow_ideas, would_have_brought
from bot.store.read.trades import TradeFilter, closed_trades, found_trades
from bot.store.revision import current_revision

_FEW: Final = 10
_SHADOWS: Final = 5
_MOST: Final = 100
_GROUPS: Final = {"daily": ("day", 7), "weekly": ("week", 8), "monthly": ("month", 6)}


def number(arguments: str, usual: int) -> int:
    """Return the one number of a command; raises Unclear."""
    if not arguments:
        return usual
    if not (arguments.isascii() and arguments.isdigit()) or not 0 < int(arguments[:9]) <= _MOST:
        raise Unclear(f"{arguments[:40]!r} is no number from 1 to {_MOST}")
    return int(arguments)


def nothing(arguments: str) -> None:
    """Raises Unclear for words that a command has no use for."""
    if arguments:
        raise Unclear(f"{arguments[:40]!r}: this command takes nothing")


def today_of(connection: Connection) -> date:
    pulse = ask.pulse(connection)
    if pulse is None:
        raise Unclear("The bot has not run on this store yet.")
    return pulse.session_day or new_york_day(pulse.at)


# ---- positions and orders


def status(connection: Connection, ground: PeopleGround, arguments: str) -> ChatAnswer:
    if arguments and arguments.lower() != "table":
        return _position(connection, arguments)
    pulse = ask.pulse(connection)
    state = ask.effective_state(connection, pulse) if pulse is not None else "never run"
    return positions(connection, ground, "", title=f"{state}; open positions")


def positions(
    connection: Connection, ground: PeopleGround, arguments: str, *, title: str = "Open positions"
) -> ChatAnswer:
    nothing(arguments)
    rows = ask.open_positions(connection)
    today = today_of(connection)
    money = {part.id: part for part in money_of_day(connection, today).positions}
    lines = [
        (row.id[-SHORT:], key_words(row.contract_key, today), row.quantity, price(row.entry_price), price(row.bid),
         dollars(open_of(row), plus=True), price(row.stop_price), dollars(money[row.id].day, plus=True), row.state)
        for row in rows
    ]  # fmt: skip
    return paged(title, lines, ("id", "contract", "qty", "entry", "bid", "open", "stop", "today", "state"))


def _position(connection: Connection, given: str) -> ChatAnswer:
    row, today = one(connection, Subject.POSITION, given), today_of(connection)
    cover = protections(connection, [row.id]).get(row.id)
    facts = [
        ("state", row.state + (f", {row.close_reason}" if row.close_reason else "")),
        ("contracts", f"{row.quantity} of {row.entry_quantity}"),
        ("entry", price(row.entry_price)),
        ("bid / ask", f"{price(row.bid)} / {price(row.ask)}"),
        ("open", dollars(open_of(row), plus=True)),
        ("realized", dollars(row.realized_pnl, plus=True)),
        ("stop", f"{price(row.stop_price)}, {cover.protection if cover else NOTHING}"),
        ("high", price(row.high)),
        ("rungs done", str(row.rungs_done)),
        ("opened", new_york(row.opened_at)),
    ]
    head = f"{key_words(row.contract_key, today)} {row.id[-SHORT:]}, {row.strategy}"
    return ChatAnswer((ChatReply(head, in_columns(facts)),), pictures.path(connection, row))


def count(connection: Connection, ground: PeopleGround, arguments: str) -> ChatAnswer:
    nothing(arguments)
    risk = live_settings(connection, ground.settings).risk
    rows = ask.open_positions(connection)
    waits = len(ask.signals_that_wait_for_a_person(connection))
    return plainly(
        f"{len(rows)} of {risk.max_positions} positions, {sum(row.quantity for row in rows)} contracts\n"
        f"{len(ask.live_signals(connection))} signals alive, {waits} of them wait for a person\n"
        f"{len(ask.live_orders(connection))} orders alive"
    )


def order(connection: Connection, ground: PeopleGround, arguments: str) -> ChatAnswer:
    row = one(connection, Subject.ORDER, arguments)
    today = today_of(connection)
    facts = [
        ("what", f"{row.side} {row.quantity} {row.order_type}, {row.purpose} ({row.tag})"),
        ("state", row.state),
        ("filled", str(row.filled_quantity)),
        ("limit / stop", f"{price(row.limit_price)} / {price(row.stop_price)}"),
        ("mid then", price(row.mid_at_decision)),
        ("refused", row.reject_reason or NOTHING),
        ("written", new_york(row.created_at)),
    ]
    facts += [(f"fill {each.exec_id}", f"{each.quantity} at {price(each.price)}") for each in
              ask.executions(connection, [row.id])]  # fmt: skip
    return ChatAnswer((ChatReply(f"{key_words(row.contract_key, today)} {row.order_ref}", in_columns(facts)),))


def signals(connection: Connection, ground: PeopleGround, arguments: str) -> ChatAnswer:
    nothing(arguments)
    asked, today = ask.signals_that_wait_for_a_person(connection), today_of(connection)
    rows = [*ask.live_signals(connection), *ask.ended_signals(connection, _FEW)]
    lines = [
        ((row.approval_id or row.id)[-SHORT:], key_words(row.contract_key, today), row.quantity, price(row.limit_price),
         "asks you" if row.id in asked else row.state, new_york(row.created_at))
        for row in rows
    ]  # fmt: skip
    return paged("Signals, the living first", lines, ("id", "contract", "qty", "limit", "state", "made"))


def why(connection: Connection, ground: PeopleGround, arguments: str) -> ChatAnswer:
    """Why a trade was made, or why a signal was not."""
    try:
        signal = one(connection, Subject.SIGNAL, arguments)
    except Unclear:
        row = one(connection, Subject.POSITION, arguments)
        signal = ask.signal(connection, row.signal_id or "")
    if signal is None:
        raise Unclear("No signal of ours stands behind it: it was adopted.")
    steps = ask.transitions_of(connection, [signal.id])
    reasons = reasons_of(steps, waits=signal.id in ask.signals_that_wait_for_a_person(connection))
    checks = [f"{'✓' if check.passed else '✗'} {check.title}: {check.words}" for check in reasons.checks]
    head = f"{key_words(signal.contract_key, today_of(connection))} {signal.id[-SHORT:]}: {signal.state}"
    return plainly("\n".join([head, reasons.why, f"Decided: {reasons.decides or NOTHING}", *checks]))


# ---- money


def profit(connection: Connection, ground: PeopleGround, arguments: str) -> ChatAnswer:
    today = today_of(connection)
    days = number(arguments, 0) if arguments else 0
    if days:
        since = today - timedelta(days=days - 1)
        found = figures(closed_trades(connection, TradeFilter(since=since, until=today)))
        return ChatAnswer((ChatReply(f"Closed trades of {days} days, since {since}", in_columns(_facts_of(found))),))
    whole = earnings(connection, "all", today)
    money = money_of_day(connection, today)
    rows = [
        ("today", f"{dollars(money.total, plus=True)} (realized {dollars(money.realized, plus=True)}, "
                  f"open {dollars(money.open, plus=True)})"),
        ("all closed", dollars(whole.figures.pnl, plus=True)),
        ("open trades", f"{dollars(whole.open, plus=True)} in {whole.held}"),
        *_facts_of(whole.figures),
        ("drawdown", _percent(whole.drawdown)),
        ("Sharpe", NOTHING if whole.sharpe is None else signed(whole.sharpe)),
    ]  # fmt: skip
    head = f"Profit and loss, {dollars(whole.total, plus=True)} in all"
    return ChatAnswer((ChatReply(head, in_columns(rows)),), pictures.money(connection, whole))


def _facts_of(found: Figures) -> list[tuple[str, str]]:
    return [
        ("trades", f"{found.trades}, {found.wins} won, {found.losses} lost"),
        ("P&L", dollars(found.pnl, plus=True)),
        ("win rate", _percent(found.win_rate)),
        ("a trade", dollars(found.expectancy, plus=True)),
        ("profit factor", NOTHING if found.factor is None else signed(found.factor, plus=False)),
        ("best / worst", f"{dollars(found.best, plus=True)} / {dollars(found.worst, plus=True)}"),
        ("fees", dollars(found.fees)),
    ]


def _percent(fraction: Any) -> str:
    return NOTHING if fraction is None else f"{signed(fraction * 100, 1, plus=False)} %"


def periods(name: str) -> Any:
    """Return the command of a period: its last n, each with trades and P&L."""
    by, usual = _GROUPS[name]

    def answer(connection: Connection, ground: PeopleGround, arguments: str) -> ChatAnswer:
        wanted = number(arguments, usual)
        found = grouped(earnings(connection, "all", today_of(connection)).trades, by)[-wanted:]
        return _groups(f"P&L by {by}, the last {wanted}", by, found)

    return answer


def performance(connection: Connection, ground: PeopleGround, arguments: str) -> ChatAnswer:
    by = arguments.lower() or "symbol"
    if by not in {"strategy", "symbol", "hour", "reason"}:
        raise Unclear(f"{arguments[:40]!r}: by strategy, symbol, hour or reason")
    return _groups(f"Closed trades by {by}", by, grouped(earnings(connection, "all", today_of(connection)).trades, by))


def _groups(title: str, by: str, found: Sequence[tuple[str, Figures]]) -> ChatAnswer:
    rows = [(name, each.trades, each.wins, dollars(each.pnl, plus=True)) for name, each in found]
    return paged(title, rows, (by, "trades", "won", "P&L"), "no trade is closed yet")


def balance(connection: Connection, ground: PeopleGround, arguments: str) -> ChatAnswer:
    nothing(arguments)
    row = ask.account(connection)
    if row is None:
        return plainly("The broker has not told the account yet.")
    money = money_of_day(connection, today_of(connection))
    facts = [
        ("net liquidation", dollars(row.net_liquidation)),
        ("available", dollars(row.available_funds)),
        ("day's change", dollars(row.day_pnl, plus=True)),
        ("open premium", dollars(money.exposure)),
        ("at risk to stops", dollars(money.at_risk)),
        ("as of", new_york(row.at)),
    ]
    return ChatAnswer((ChatReply(f"Account {row.account}", in_columns(facts)),))


def trades(connection: Connection, ground: PeopleGround, arguments: str) -> ChatAnswer:
    wanted, today = number(arguments, _FEW), today_of(connection)
    rows = [
        (row.id[-SHORT:], key_words(row.contract_key, today), row.contracts, price(row.entry_price),
         price(row.exit_price), dollars(row.pnl, plus=True), row.reason, row.day)
        for row in found_trades(connection, TradeFilter(), wanted)
    ]  # fmt: skip
    heads = ("id", "contract", "qty", "entry", "exit", "P&L", "why", "day")
    return paged(f"The last {len(rows)} closed trades", rows, heads, "none is closed yet")


def report(connection: Connection, ground: PeopleGround, arguments: str) -> ChatAnswer:
    nothing(arguments)
    _, text = day_report(connection)
    return plainly(f"{text}\n/report ask has it approved as a report.")


def day_report(connection: Connection) -> tuple[date, str]:
    """Return the day and what it came to so far, in words."""
    day = today_of(connection)
    money, counted = money_of_day(connection, day), ask.counters(connection, day)
    return day, (
        f"{day}: {dollars(money.total, plus=True)} so far\n"
        f"realized {dollars(money.realized, plus=True)}, open {dollars(money.open, plus=True)}, "
        f"fees {dollars(counted.fees)}\n"
        f"{counted.closed} closed, {counted.wins} won, {counted.executions} executions, "
        f"{len(money.positions)} positions open"
    )


# ---- the machine


def alerts(connection: Connection, ground: PeopleGround, arguments: str) -> ChatAnswer:
    """The alerts that wait to be acknowledged or to be over, newest first."""
    rows = [row for row in ask.alerts(connection, _MOST) if row.state in OPEN_ALERTS and row.severity != INFO]
    lines = [(row.id[-SHORT:], row.severity, row.code, row.count, row.text[:60]) for row in rows]
    return paged("Alerts that wait", lines, ("id", "level", "code", "times", "what"))


def quiet(connection: Connection, ground: PeopleGround, arguments: str) -> ChatAnswer:
    nothing(arguments)
    hours = ground.settings.alerts.quiet
    usual = "none" if hours.is_none else f"{hours.begins:%H:%M} to {hours.ends:%H:%M}"
    rows = [("everybody", usual, "the settings")]
    for row in quiet_times(connection):
        if row.state == "own" and row.chosen_at is not None:
            own = "none" if row.begins == row.ends else f"{row.begins} to {row.ends}"
            rows.append((row.id, own, f"{row.chosen_by}, {new_york(row.chosen_at)}"))
    head = "Quiet hours, New York\nWarnings wait for a digest then; what is critical never does."
    return ChatAnswer((ChatReply(head, in_columns(rows, ("who", "hours", "by"))),))


def health(connection: Connection, ground: PeopleGround, arguments: str) -> ChatAnswer:
    nothing(arguments)
    pulse = ask.pulse(connection)
    if pulse is None:
        return plainly("The bot has not run on this store yet.")
    age = (ground.clock.now() - pulse.at).total_seconds() / max(pulse.speed, 1e-6)
    link, late = ask.broker_link(connection), [job.name for job in jobs(connection, pulse) if job.is_due]
    bad = [row for row in ask.feeds(connection) if row.state != "ok"]
    facts = [
        ("last tick", f"{max(age, 0.0):.1f} s ago, number {pulse.tick}, {pulse.tick_ms:.1f} ms"),
        ("session", ask.effective_state(connection, pulse)),
        ("broker", f"{link.state}: {link.detail}" if link else "never reached"),
        ("book compared", new_york(pulse.broker_synced_at) if pulse.broker_synced_at else "not yet"),
        ("data", f"{len(bad)} not ok: {', '.join(row.dataset for row in bad)}" if bad else "all ok"),
        ("jobs due", ", ".join(late) or "none"),
        ("clock", pulse.clock_fault or "ok"),
    ]
    return ChatAnswer((ChatReply("Health", in_columns(facts)),))


def feeds(connection: Connection, ground: PeopleGround, arguments: str) -> ChatAnswer:
    nothing(arguments)
    rows = [
        (
            row.dataset,
            row.key,
            row.state,
            new_york(row.last_success_at) if row.last_success_at else NOTHING,
            row.failures,
        )
        for row in ask.feeds(connection)
    ]
    return paged("Data sets", rows, ("data set", "key", "state", "last word", "failures"))


def risk(connection: Connection, ground: PeopleGround, arguments: str) -> ChatAnswer:
    nothing(arguments)
    money = money_of_day(connection, today_of(connection))
    rows = [(row.id, row.state, row.value, row.limit_words) for row in ask.breakers(connection)]
    head = f"Risk: premium {dollars(money.exposure)}, at risk to stops {dollars(money.at_risk)}"
    symbols = [f"{row.id} halted: {row.reason}" for row in ask.halted_symbols(connection)]
    return paged("\n".join([head, *symbols]), rows, ("breaker", "state", "value", "limit"))


def strategies(connection: Connection, ground: PeopleGround, arguments: str) -> ChatAnswer:
    switched = ask.strategy_switches(connection)
    sections = live_settings(connection, ground.settings).strategies.sections()
    ideas = {name: found for name in sections if (found := shadow_ideas(connection, name))}
    head = ("name", "state", "symbols", "in shadow") if ideas else ("name", "state", "symbols")
    rows = [
        (name, switched.get(name, section.starts.value) if section.enabled else "not enabled",
         " ".join(section.symbols), dollars(would_have_brought(ideas.get(name, ())), plus=True))[: len(head)]
        for name, section in sections.items()
    ]  # fmt: skip
    seen = ask.strategy_stats(connection, today_of(connection))
    looks = [f"{row.strategy} {row.symbol}: {row.last_reason}" for row in seen
             if switched.get(row.strategy, "on") == "on"]  # fmt: skip
    said = [ChatReply("\n".join(["Why there is no trade right now", *looks]))] if looks else []
    said += [_in_shadow(name, found, today_of(connection)) for name, found in ideas.items()]
    return ChatAnswer((*paged("Strategies", rows, head).pages, *said))


def _in_shadow(name: str, ideas: Sequence[ShadowIdea], today: date) -> ChatReply:
    """Return what a strategy would have bought while it was switched to shadow, and what that would have brought."""
    brought = would_have_brought(ideas)
    judged = sum(idea.brought is not None for idea in ideas)
    total = "none judged yet" if brought is None else f"{dollars(brought, plus=True)} at expiry, {judged} judged"
    lines = [f"In shadow, {name}: {len(ideas)} not bought, {total}"]
    for idea in ideas[:_SHADOWS]:
        row = idea.row
        what = f"{row.quantity} {key_words(row.contract_key, today)} at {price(row.limit_price)}"
        lines.append(f"{new_york(row.created_at)} {what}: {dollars(idea.brought, plus=True)}")
    return ChatReply("\n".join(lines))


def machines(connection: Connection, ground: PeopleGround, arguments: str) -> ChatAnswer:
    wanted = arguments.lower()
    if wanted and wanted not in LIFECYCLES:
        raise Unclear(f"{arguments[:40]!r} is no machine; there are: {', '.join(LIFECYCLES)}")
    counts = ask.state_counts(connection)
    rows = [
        (name, ", ".join(f"{state} {found}" for state, found in sorted(states.items())) or NOTHING)
        for name, states in counts.items()
        if wanted in {"", name}
    ]
    return paged("Machines", rows, ("machine", "how many are in which state"))


def logs(connection: Connection, ground: PeopleGround, arguments: str) -> ChatAnswer:
    rows = ask.latest_transitions(connection, number(arguments, _FEW))
    lines = [f"{new_york(row.event_at)} {row.machine} {row.trigger}: {row.reason} ({row.actor})" for row in rows]
    pages = ["\n".join(["What happened last", *lines[start : start + 12]]) for start in range(0, len(lines), 12)]
    return ChatAnswer(tuple(ChatReply(page) for page in pages)) if pages else plainly("nothing happened yet")


def show_config(connection: Connection, ground: PeopleGround, arguments: str) -> ChatAnswer:
    sections = shown(ground.settings.model_dump(mode="json"))
    wanted = arguments.lower()
    if wanted and wanted not in sections:
        raise Unclear(f"{arguments[:40]!r} is no section; there are: {', '.join(sections)}")
    rows = [row for name, value in sections.items() if wanted in {"", name} for row in _flat(name, value)]
    return paged("Settings in force", rows, ("setting", "value"))


def _flat(at: str, value: Any) -> list[tuple[str, str]]:
    if isinstance(value, dict) and value:
        return [row for name, inner in value.items() for row in _flat(f"{at}.{name}", inner)]
    return [(at, str(value)[:80])]


def version(connection: Connection, ground: PeopleGround, arguments: str) -> ChatAnswer:
    nothing(arguments)
    pulse = ask.pulse(connection)
    revision = current_revision(ground.database_url)
    return plainly(
        f"Quanticity, bot {ground.settings.bot_id}\nstore {revision}, mode {pulse.mode if pulse else NOTHING}"
    )
