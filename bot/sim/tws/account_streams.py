"""Account data: values under TWS's tags, and the subscriptions that keep them current."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Final, NamedTuple

from bot.sim.hours import EXCHANGE_ZONE
from bot.sim.tws import messages
from bot.sim.tws.moment import VenueMoment
from bot.sim.tws.wire import UNSET_DOUBLE, WireMessage
from bot.sim.vocabulary import VenuePosition

REFRESH_S: Final = 1.0
REPEATS: Final = timedelta(minutes=3)
"""So often, by the venue's time, TWS tells all account values again, changed or not."""
_CENT: Final = Decimal("0.01")
# Margin figures that TWS repeats under other names; the venue's account has one segment and looks no day ahead.
_ALIASES: Final = {
    "AvailableFunds": ("FullAvailableFunds", "LookAheadAvailableFunds"),
    "ExcessLiquidity": ("FullExcessLiquidity", "LookAheadExcessLiquidity"),
    "InitMarginReq": ("FullInitMarginReq", "LookAheadInitMarginReq"),
    "MaintMarginReq": ("FullMaintMarginReq", "LookAheadMaintMarginReq"),
}
_LEDGER: Final = {
    "CashBalance": "TotalCashValue",
    "TotalCashBalance": "TotalCashValue",
    "NetLiquidationByCurrency": "NetLiquidation",
    "UnrealizedPnL": "UnrealizedPnL",
    "RealizedPnL": "RealizedPnL",
}
# Tags that belong to the ledger alone when the account's values are listed without it.
_LEDGER_ONLY: Final = frozenset({"UnrealizedPnL", "RealizedPnL"})


class AccountValue(NamedTuple):
    """One value as account messages carry it."""

    tag: str
    value: str
    currency: str


def account_values(moment: VenueMoment) -> list[AccountValue]:
    """Return the account's own values: texts without currency, money in USD to the cent."""
    values = moment.account_values
    listed = [
        AccountValue("AccountCode", moment.venue.account_id, ""),
        AccountValue("AccountType", "INDIVIDUAL", ""),
        AccountValue("AccountReady", "true", ""),
    ]
    for tag, amount in values.items():
        if tag not in _LEDGER_ONLY:
            listed += [AccountValue(name, money(amount), "USD") for name in (tag, *_ALIASES.get(tag, ()))]
    equity = values.get("NetLiquidation", Decimal(0))
    if equity > 0:
        cushion = values.get("ExcessLiquidity", Decimal(0)) / equity
        listed.append(AccountValue("Cushion", f"{cushion:.6f}", ""))
    return listed


def ledger(moment: VenueMoment) -> list[AccountValue]:
    """Return the ledger: the same figures for the base currency and for dollars, which are one here."""
    values = moment.account_values
    figures = {tag: money(values[source]) for tag, source in _LEDGER.items() if source in values}
    figures |= {tag: money(value) for tag, value in _market_values(moment).items()}
    return [
        AccountValue(tag, value, currency)
        for currency in ("BASE", "USD")
        for tag, value in {"Currency": currency, "ExchangeRate": "1.00", **figures}.items()
    ]


def _market_values(moment: VenueMoment) -> dict[str, Decimal]:
    totals = {"StockMarketValue": Decimal(0), "OptionMarketValue": Decimal(0)}
    for held in moment.positions:
        tag = "OptionMarketValue" if held.instrument.sec_type == "OPT" else "StockMarketValue"
        totals[tag] += market_value(held, moment)
    return totals


def market_value(held: VenuePosition, moment: VenueMoment) -> Decimal:
    """Return what a holding is worth now, in dollars."""
    return moment.mark(held.instrument) * held.quantity * held.instrument.multiplier


def unrealized(held: VenuePosition, moment: VenueMoment) -> Decimal:
    return market_value(held, moment) - held.average_cost * held.quantity


def money(amount: Decimal) -> str:
    """Return dollars with two decimals, as account values are written."""
    return f"{amount.quantize(_CENT)}"


class _Changed:
    """Remembers what was said under each tag and lets through what differs."""

    def __init__(self) -> None:
        self._said: dict[tuple[str, str], str] = {}

    def only(self, values: Iterable[AccountValue]) -> list[AccountValue]:
        fresh = [each for each in values if self._said.get((each.tag, each.currency)) != each.value]
        self._said |= {(each.tag, each.currency): each.value for each in fresh}
        return fresh

    def forget(self) -> None:
        """Let everything through once more."""
        self._said.clear()


class AccountFeed:
    """reqAccountUpdates: values, portfolio and time at once, then what changes, at most every second, and all of it
    again every three minutes."""

    def __init__(self, account: str) -> None:
        self._account = account
        self._changed = _Changed()
        self._portfolio: dict[int, WireMessage] = {}
        self._due = float("-inf")
        self._repeat_at: datetime | None = None

    def hasten(self) -> None:
        """Speak at the next pace: a position has changed."""
        self._due = float("-inf")

    def download(self, moment: VenueMoment) -> list[WireMessage]:
        return [*self._news(moment), messages.account_download_end(self._account)]

    def pace(self, moment: VenueMoment) -> list[WireMessage]:
        return self._news(moment) if moment.monotonic >= self._due else []

    def _news(self, moment: VenueMoment) -> list[WireMessage]:
        self._due = moment.monotonic + REFRESH_S
        if self._repeat_at is None or moment.at >= self._repeat_at:
            self._repeat_at = moment.at + REPEATS
            self._changed.forget()
            self._portfolio.clear()
        values = self._changed.only([*account_values(moment), *ledger(moment)])
        said = [messages.account_value(*each, self._account) for each in values]
        said += self._holdings(moment)
        if said:
            said.append(messages.account_time(moment.at, EXCHANGE_ZONE))
        return said

    def _holdings(self, moment: VenueMoment) -> list[WireMessage]:
        current = {held.instrument.con_id: self._holding(held, moment) for held in moment.positions}
        fresh = [message for con_id, message in current.items() if self._portfolio.get(con_id) != message]
        self._portfolio |= current
        return fresh

    def _holding(self, held: VenuePosition, moment: VenueMoment) -> WireMessage:
        mark = moment.mark(held.instrument)
        value, open_profit = market_value(held, moment), unrealized(held, moment)
        return messages.portfolio(held, mark, value, open_profit, held.average_cost, self._account)


class SummaryFeed:
    """reqAccountSummary: the tags asked for, `$LEDGER` among them, then what changes."""

    def __init__(self, req_id: int, account: str, tags: str) -> None:
        self._req_id = req_id
        self._account = account
        self._tags = {tag.strip() for tag in tags.split(",") if tag.strip()}
        self._changed = _Changed()
        self._due = float("-inf")

    def download(self, moment: VenueMoment) -> list[WireMessage]:
        return [*self._news(moment), messages.end(64, self._req_id)]

    def pace(self, moment: VenueMoment) -> list[WireMessage]:
        return self._news(moment) if moment.monotonic >= self._due else []

    def _news(self, moment: VenueMoment) -> list[WireMessage]:
        self._due = moment.monotonic + REFRESH_S
        values = [each for each in account_values(moment) if each.tag in self._tags]
        values += self._ledgers(moment)
        return [messages.account_summary(self._req_id, self._account, *each) for each in self._changed.only(values)]

    def _ledgers(self, moment: VenueMoment) -> list[AccountValue]:
        asked = [tag for tag in self._tags if tag.startswith("$LEDGER")]
        if not asked:
            return []
        currencies = {tag.partition(":")[2] or "BASE" for tag in asked}
        return [each for each in ledger(moment) if "ALL" in currencies or each.currency in currencies]


class MultiFeed:
    """reqAccountUpdatesMulti."""

    def __init__(self, req_id: int, account: str, model: str, *, ledger_only: bool) -> None:
        self._req_id = req_id
        self._account = account
        self._model = model
        self._ledger_only = ledger_only
        self._changed = _Changed()
        self._due = float("-inf")

    def download(self, moment: VenueMoment) -> list[WireMessage]:
        return [*self._news(moment), messages.end(74, self._req_id)]

    def pace(self, moment: VenueMoment) -> list[WireMessage]:
        return self._news(moment) if moment.monotonic >= self._due else []

    def _news(self, moment: VenueMoment) -> list[WireMessage]:
        self._due = moment.monotonic + REFRESH_S
        own = account_values(moment)
        if self._ledger_only:
            own = [each for each in own if each.tag == "NetLiquidation"]
        return [
            messages.account_update_multi(self._req_id, self._account, self._model, *each)
            for each in self._changed.only([*own, *ledger(moment)])
        ]


class PnlFeed:
    """reqPnL: the account's day, unrealized and realized profit, about once a second."""

    def __init__(self, req_id: int) -> None:
        self._req_id = req_id
        self._due = float("-inf")
        self._sent: tuple[Decimal, Decimal, Decimal] | None = None

    def pace(self, moment: VenueMoment) -> list[WireMessage]:
        if moment.monotonic < self._due:
            return []
        self._due = moment.monotonic + REFRESH_S
        if moment.daily_pnl == self._sent:
            return []
        self._sent = moment.daily_pnl
        return [messages.pnl(self._req_id, *moment.daily_pnl)]


class PnlSingleFeed:
    """reqPnLSingle: one holding's. Without a holding, the profits are unset and position and value zero."""

    def __init__(self, req_id: int, con_id: int) -> None:
        self._req_id = req_id
        self._con_id = con_id
        self._due = float("-inf")
        self._sent: WireMessage | None = None

    def pace(self, moment: VenueMoment) -> list[WireMessage]:
        if moment.monotonic < self._due:
            return []
        self._due = moment.monotonic + REFRESH_S
        message = self._message(moment)
        if message == self._sent:
            return []
        self._sent = message
        return [message]

    def _message(self, moment: VenueMoment) -> WireMessage:
        held = next((each for each in moment.positions if each.instrument.con_id == self._con_id), None)
        if held is None:
            return messages.pnl_single(self._req_id, 0, UNSET_DOUBLE, UNSET_DOUBLE, UNSET_DOUBLE, Decimal(0))
        open_profit = unrealized(held, moment)
        daily = self._daily(held, moment, open_profit)
        value = market_value(held, moment)
        return messages.pnl_single(self._req_id, held.quantity, daily, open_profit, held.realized_pnl, value)

    def _daily(self, held: VenuePosition, moment: VenueMoment, open_profit: Decimal) -> Decimal:
        """Return today's profit: of a holding that today's fills opened all of it, of an older one since the close."""
        traded = any(fill.instrument.con_id == self._con_id for fill in moment.venue.executions())
        close = moment.top(held.instrument).close
        if traded or close is None:
            return open_profit + held.realized_pnl
        return (moment.mark(held.instrument) - close) * held.quantity * held.instrument.multiplier
