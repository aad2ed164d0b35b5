"""Which month of a future is watched: of those that the broker lists, by volume or by days (`bot.domain.universe`)."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from datetime import date
from typing import Final

from bot.broker.hours import day_of
from bot.broker.ib import Contract, ContractDetails
from bot.domain.calendar import new_york_day
from bot.domain.universe import Member, Month, Rolling, Universe, front_month
from bot.engine.state.ports import Clock

log: Final = logging.getLogger(__name__)
_COMPARED: Final = 2
DayVolume = Callable[[Contract], Awaitable[int | None]]


class FrontMonths:
    """Chooses, and says so when another month has become the front."""

    def __init__(self, universe: Universe, clock: Clock, day_volume: DayVolume) -> None:
        self._universe = universe
        self._clock = clock
        self._day_volume = day_volume
        self._fronts: dict[str, str] = {}

    async def front(self, member: Member, listed: Sequence[ContractDetails]) -> ContractDetails | None:
        """Return the details of the front month, None where none is listed."""
        by_id = {each.contract.conId: each for each in listed if each.contract is not None}
        months = [Month(con_id, expiry) for con_id, each in by_id.items() if (expiry := _expiry(each)) is not None]
        today = new_york_day(self._clock.now())
        if self._universe.rolling is Rolling.VOLUME:
            months = await self._with_volumes(months, by_id, today)
        chosen = front_month(months, today, self._universe.rolling, self._universe.roll_days)
        if chosen is None:
            return None
        self._say(member, by_id[chosen.con_id])
        return by_id[chosen.con_id]

    async def _with_volumes(
        self, months: Sequence[Month], by_id: dict[int, ContractDetails], today: date
    ) -> list[Month]:
        """Return the months with the volumes of those that may be the front."""
        alive = [each for each in months if (each.expiry - today).days > self._universe.roll_days]
        first = sorted(alive, key=lambda each: each.expiry)[:_COMPARED]
        if len(first) < _COMPARED:
            return list(months)
        volumes: dict[int, int | None] = {}
        for month in first:
            contract = by_id[month.con_id].contract
            volumes[month.con_id] = await self._day_volume(contract) if contract is not None else None
        return [replace(each, volume=volumes.get(each.con_id)) for each in months]

    def _say(self, member: Member, details: ContractDetails) -> None:
        name = details.contract.localSymbol if details.contract is not None else ""
        before = self._fronts.get(member.key)
        if before is not None and before != name:
            log.info("%s: the front month is %s now, after %s", member.name, name, before)
        self._fronts[member.key] = name


def _expiry(details: ContractDetails) -> date | None:
    text = details.realExpirationDate or (details.contract.lastTradeDateOrContractMonth if details.contract else "")
    return day_of(text[:8])
