"""Contracts both ways, and the book of those that the broker has confirmed: conId and price grid by key."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Final

from bot.broker.ib import Contract, ContractDetails, PriceIncrement
from bot.broker.words import number
from bot.domain.instruments import (
    DOLLARS,
    Instrument,
    OptionContract,
    PriceGrid,
    Underlying,
    UnderlyingKind,
    is_over,
    option_of_key,
    price_grid,
    underlying,
)
from bot.domain.universe import WORD_OF, Member

SMART: Final = "SMART"
INDEX: Final = UnderlyingKind.INDEX.value


def instrument_of(key: str) -> OptionContract | Underlying:
    """Return what a key of ours names: an option, else an underlying."""
    return option_of_key(key) or underlying(key)


def to_ib(key: str, con_id: int = 0) -> Contract:
    """Return a fresh library contract for a key."""
    instrument = instrument_of(key)
    if isinstance(instrument, Underlying):
        return Contract(
            conId=con_id,
            secType=instrument.kind.value,
            symbol=instrument.symbol,
            exchange=instrument.exchange,
            currency="USD",
        )
    return Contract(
        conId=con_id,
        secType="OPT",
        symbol=instrument.symbol,
        lastTradeDateOrContractMonth=f"{instrument.expiry:%Y%m%d}",
        strike=float(instrument.strike),
        right=instrument.right.value,
        multiplier=str(instrument.multiplier),
        exchange=SMART,
        currency="USD",
        tradingClass=instrument.root,
    )


def contract_of(member: Member, con_id: int = 0) -> Contract:
    """Return a fresh question for a member of the universe; of a future for all its months."""
    return Contract(
        conId=con_id,
        secType=WORD_OF[member.kind],
        symbol=member.symbol,
        exchange=member.exchange,
        currency=member.currency,
        tradingClass=member.trading_class,
    )


def named(contract: Contract) -> Instrument:
    """Return what the broker named, as it came."""
    return Instrument(
        con_id=contract.conId,
        sec_type=contract.secType,
        symbol=contract.symbol,
        currency=contract.currency,
        multiplier=str(contract.multiplier or ""),
        exchange=contract.exchange,
        primary_exchange=contract.primaryExchange,
        trading_class=contract.tradingClass,
        local_symbol=contract.localSymbol,
        last_trading_day=contract.lastTradeDateOrContractMonth,
        right=contract.right,
        strike=_strike(contract.strike),
    )


def detailed(details: ContractDetails) -> Instrument:
    """Return what contract details name: the contract in full, how it settles where they say it. Raises ValueError
    without a contract.

    An option on an index pays out in cash. Where the last trading day lies before the day of expiry, it is settled on
    that day's opening prices.
    """
    if details.contract is None:
        raise ValueError("details without a contract")
    under = details.underSecType if details.contract.secType == "OPT" else ""
    last, expiry = details.contract.lastTradeDateOrContractMonth[:8], details.realExpirationDate[:8]
    return replace(
        named(details.contract),
        cash_settled=under == INDEX if under else None,
        settled_at_open=last < expiry if under == INDEX and last.isdigit() and expiry.isdigit() else None,
        is_complete=True,
    )


def _strike(value: float) -> str:
    exact = number(value or 0.0)
    return f"{exact:f}" if exact else ""


def rule_id_of(details: ContractDetails) -> int | None:
    """Return the market rule in force where we route: the ids are listed in the order of the exchanges."""
    contract = details.contract
    rules = [each for each in details.marketRuleIds.split(",") if each]
    exchanges = details.validExchanges.split(",")
    routed = contract.exchange if contract is not None else SMART
    index = exchanges.index(routed) if routed in exchanges else 0
    if not rules:
        return None
    return int(rules[index] if index < len(rules) else rules[0])


def grid_of_rule(increments: Sequence[PriceIncrement]) -> PriceGrid | None:
    """Return the price grid of a market rule; None for one that says nothing."""
    bands = tuple((number(each.lowEdge), number(each.increment)) for each in increments)
    sound = tuple((low, tick) for low, tick in bands if low is not None and tick is not None and tick > 0)
    return PriceGrid(sound) if sound else None


def grid_without_rule(key: str, details: ContractDetails) -> PriceGrid | None:
    """Return the usual grid of an option class, or the smallest increment of anything else."""
    instrument = instrument_of(key)
    if isinstance(instrument, OptionContract):
        return price_grid(instrument.root)
    tick = number(details.minTick)
    return PriceGrid(((Decimal(0), tick),)) if tick else None


class ContractBook:
    """What the broker named under which conId, by key, with the price grids. A contract is qualified once and kept.

    A key stands for one conId. Another security that would have the same key by its terms (another exchange's, another
    currency's, a second contract under one OSI symbol) gets a key of its own and never takes the first one's place.
    """

    def __init__(self, on_change: Callable[[str, Instrument], None] | None = None) -> None:
        self._named: dict[str, Instrument] = {}
        self._keys: dict[int, str] = {}
        self._on_change = on_change
        self.grids: dict[str, PriceGrid] = {}

    def remember(self, contracts: Mapping[str, tuple[Instrument, PriceGrid]]) -> None:
        for key, (instrument, grid) in contracts.items():
            self.learn(key, instrument, grid)

    def learn(self, key: str, instrument: Instrument, grid: PriceGrid | None = None) -> None:
        """Take contract details for a key that was asked for: from now on it is this conId's."""
        before = self._named.get(key)
        if before is not None and before.con_id != instrument.con_id:
            self._keys[before.con_id] = before.opaque_key
            self._named[before.opaque_key] = before
        elif before is not None and before.is_complete and not instrument.is_complete:
            instrument = before
        self._named[key] = instrument
        self._keys[instrument.con_id] = key
        if grid is not None:
            self.grids[key] = grid

    def forget_expired(self, today: date) -> None:
        """Let go of options that expired before `today` and of what was never asked for; what the account still shows
        of one teaches it anew."""
        idle = (key for key in self._named if key not in self.grids and option_of_key(key) is None)
        for key in [*idle, *(key for key in self._named if is_over(key, today))]:
            self._keys.pop(self._named.pop(key).con_id, None)
            self.grids.pop(key, None)

    def con_id(self, key: str) -> int | None:
        known = self._named.get(key)
        return known.con_id if known is not None else None

    def instrument(self, key: str) -> Instrument | None:
        """Return what the broker named under a key's conId."""
        return self._named.get(key)

    def is_complete(self, key: str) -> bool:
        """Say whether contract and grid are both known."""
        return key in self._named and key in self.grids

    def trades(self, con_id: int) -> bool:
        """Say whether a conId is that of an option which was asked for: one that we hold, held or may buy."""
        key = self._keys.get(con_id)
        return key is not None and key in self.grids and option_of_key(key) is not None

    def key(self, contract: Contract) -> str:
        """Return the key of a contract that the broker named, and keep how it was named under its conId. One that is
        named otherwise than before is told."""
        instrument = named(contract)
        if not contract.conId:
            return instrument.key
        known = self._keys.get(contract.conId)
        if known is None:
            return self._take_in(instrument)
        self._compare(known, instrument)
        return known

    def _take_in(self, instrument: Instrument) -> str:
        key = instrument.key if instrument.key not in self._named else instrument.opaque_key
        self._named[key] = instrument
        self._keys[instrument.con_id] = key
        return key

    def _compare(self, key: str, now: Instrument) -> None:
        before = self._named[key]
        changes = now.changes_from(before)
        if not changes or before.changed:
            return
        words = "; ".join(f"{name} {was!r} is now {is_now!r}" for name, (was, is_now) in changes.items())
        self._named[key] = replace(before, changed=words)
        if self._on_change is not None:
            self._on_change(key, self._named[key])

    def ib_contract(self, key: str) -> Contract | None:
        """Return a fresh library contract as the broker named it, None when it is not known. Where its full naming is
        not there, or is no longer true, the conId alone says which it is."""
        known = self._named.get(key)
        if known is None:
            return None
        return as_named(known) if known.is_complete and not known.changed else by_id(key, known)


def by_id(key: str, instrument: Instrument) -> Contract:
    """Return a contract that names its conId, and where to route it, and nothing else."""
    usual = instrument_of(key)
    exchange = usual.exchange if isinstance(usual, Underlying) else SMART
    return Contract(conId=instrument.con_id, exchange=instrument.exchange or exchange)


def by_local_symbol(option: OptionContract) -> Contract:
    """Return a question for an option by its OSI symbol alone."""
    return Contract(secType="OPT", localSymbol=option.key, exchange=SMART, currency=DOLLARS)


def as_named(instrument: Instrument) -> Contract:
    """Return a contract with every term as the broker gave it in its contract details."""
    return Contract(
        conId=instrument.con_id,
        secType=instrument.sec_type,
        symbol=instrument.symbol,
        lastTradeDateOrContractMonth=instrument.last_trading_day,
        strike=float(instrument.strike or 0),
        right=instrument.right,
        multiplier=instrument.multiplier,
        exchange=instrument.exchange,
        primaryExchange=instrument.primary_exchange,
        currency=instrument.currency,
        localSymbol=instrument.local_symbol,
        tradingClass=instrument.trading_class,
    )
