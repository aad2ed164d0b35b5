"""Contracts both ways, and the book of those that the broker has confirmed: conId and price grid by key."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime
from decimal import Decimal
from typing import Final

from bot.broker.ib import Contract, ContractDetails, PriceIncrement
from bot.broker.words import number
from bot.domain.contracts import (
    OSI_LENGTH,
    OptionContract,
    PriceGrid,
    Right,
    Underlying,
    format_osi,
    is_over,
    parse_osi,
    price_grid,
    underlying,
)

SMART: Final = "SMART"


def instrument_of(key: str) -> OptionContract | Underlying:
    """Return what a key names; raises ValueError on what looks like an option and is none."""
    return parse_osi(key) if len(key) == OSI_LENGTH else underlying(key)


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


def option_of(contract: Contract) -> OptionContract | None:
    """Return the option that a library contract is, None when it is something else.

    The local symbol is the OSI symbol and wins: for an option that settles at the open the date field holds the last
    trading day, which is not its expiry.
    """
    if contract.secType != "OPT":
        return None
    try:
        option = parse_osi(contract.localSymbol) if contract.localSymbol else _from_fields(contract)
    except ValueError:
        option = _from_fields(contract)
    return replace(option, multiplier=int(float(contract.multiplier or 100)))


def _from_fields(contract: Contract) -> OptionContract:
    text = contract.lastTradeDateOrContractMonth[:8]
    expiry: date = datetime.strptime(text, "%Y%m%d").date()  # noqa: DTZ007 a day, not a time
    strike = Decimal(str(contract.strike))
    right = Right(contract.right[:1])
    return parse_osi(format_osi(OptionContract(contract.tradingClass or contract.symbol, expiry, right, strike)))


def key_of(contract: Contract) -> str:
    """Return the key of any library contract; what the house does not trade gets a key that nothing else has."""
    option = option_of(contract)
    if option is not None:
        return option.key
    if contract.secType in {"STK", "IND"}:
        return contract.symbol
    return f"{contract.symbol}:{contract.secType}:{contract.conId}"


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
    """conIds and price grids by key. A contract is qualified once and kept."""

    def __init__(self) -> None:
        self._con_ids: dict[str, int] = {}
        self._keys: dict[int, str] = {}
        self.grids: dict[str, PriceGrid] = {}

    def remember(self, contracts: Mapping[str, tuple[int, PriceGrid]]) -> None:
        for key, (con_id, grid) in contracts.items():
            self.learn(key, con_id, grid)

    def learn(self, key: str, con_id: int, grid: PriceGrid | None = None) -> None:
        self._con_ids[key] = con_id
        self._keys[con_id] = key
        if grid is not None:
            self.grids[key] = grid

    def forget_expired(self, today: date) -> None:
        """Let go of options that expired before `today`; what the account still shows of one teaches it anew."""
        for key in [key for key in self._con_ids if is_over(key, today)]:
            self._keys.pop(self._con_ids.pop(key), None)
            self.grids.pop(key, None)

    def con_id(self, key: str) -> int | None:
        return self._con_ids.get(key)

    def is_complete(self, key: str) -> bool:
        """Say whether conId and grid are both known."""
        return key in self._con_ids and key in self.grids

    def key(self, contract: Contract) -> str:
        """Return the key of a contract that the broker named, and keep its conId where we trade such a thing."""
        known = self._keys.get(contract.conId)
        if known is not None:
            return known
        key = key_of(contract)
        if contract.conId and contract.secType == "OPT":
            self._con_ids.setdefault(key, contract.conId)
            self._keys.setdefault(contract.conId, key)
        return key

    def ib_contract(self, key: str) -> Contract | None:
        """Return a fresh library contract with its conId, None when it is not qualified."""
        con_id = self._con_ids.get(key)
        return None if con_id is None else to_ib(key, con_id)
