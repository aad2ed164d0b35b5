"""Contracts in the making: a key is qualified once, and asked for its trading hours; what comes is told."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Sequence

from bot.broker.contracts import ContractBook
from bot.broker.front_month import FrontMonths
from bot.broker.hours import day_of, hours_of
from bot.broker.ib import ContractDetails
from bot.broker.qualify import Qualifier, UnknownContract
from bot.broker.requests import RequestTimedOut
from bot.broker.wire import Wire
from bot.domain.errors import BrokerError, BrokerUnavailable
from bot.domain.events.market_data import ContractQualified, HoursTold
from bot.domain.events.people import AlertRaised
from bot.domain.universe import Member
from bot.engine.state.ports import Clock, Sink


class Naming:
    """Asks the broker who a key is. `on_unknown(key, why)` and `on_named()` say what came of it.

    Of what is watched for context alone (`hush`) nothing is told: nobody trades it, and nobody asks for its hours.
    """

    def __init__(
        self,
        wire: Wire,
        book: ContractBook,
        clock: Clock,
        sink: Sink,
        deadline_s: float,
        on_unknown: Callable[[str, str], None],
        on_named: Callable[[], None],
        member: Callable[[str], Member | None],
        months: FrontMonths,
    ) -> None:
        self._wire = wire
        self._book = book
        self._clock = clock
        self._sink = sink
        self._qualifier = Qualifier(wire, book, deadline_s, member, months)
        self._is_wanted: Callable[[str], bool] = lambda key: True
        self._on_unknown = on_unknown
        self._on_named = on_named
        self._qualifying: dict[str, asyncio.Task[None]] = {}
        self._patient: set[str] = set()  # of these, those that are asked for after whatever else waits
        self._asking_hours: dict[str, asyncio.Task[None]] = {}

    def begin(self, key: str, *, later: bool = False) -> None:
        """Qualify a key, unless that is on its way; `later`: after whatever else waits. One that waits so and is wanted
        at once by now is asked for anew."""
        if key in self._patient and not later:
            self._qualifying.pop(key).cancel()
            self._patient.discard(key)
        if key not in self._qualifying:
            if later:
                self._patient.add(key)
            asking = self._qualify(key, later=later)
            self._qualifying[key] = asyncio.create_task(asking, name=f"qualify {key.strip()}")

    def keep(self, keys: Collection[str]) -> None:
        """Give up qualifying what nobody wants any more."""
        for key in [each for each in self._qualifying if each not in keys]:
            self._qualifying.pop(key).cancel()
            self._patient.discard(key)

    def forget(self) -> None:
        """The connection is gone, and with it every question."""
        for task in (*self._qualifying.values(), *self._asking_hours.values()):
            task.cancel()
        self._qualifying.clear()
        self._patient.clear()
        self._asking_hours.clear()

    async def _qualify(self, key: str, *, later: bool) -> None:
        try:
            details = await self._qualifier.qualify(key, later=later)
        except UnknownContract as unknown:
            self.refuse(key, str(unknown))
        except RequestTimedOut as late:
            if self._is_wanted(key):
                text = f"{key.strip()}: {late}"
                self._sink(AlertRaised("CONTRACT_UNANSWERED", text, {"key": key}, self._clock.now()))
        except BrokerUnavailable:
            return  # the next connection asks again
        except ValueError as bad:
            self.refuse(key, str(bad))
        else:
            if self._is_wanted(key):
                self.tell(key)
                self._tell_hours(key, details)
        self._qualifying.pop(key, None)
        self._patient.discard(key)
        self._on_named()

    def hush(self, is_wanted: Callable[[str], bool]) -> None:
        """Tell of those keys alone that somebody decides on."""
        self._is_wanted = is_wanted

    def tell(self, key: str) -> None:
        """Say how the broker names a key that is known."""
        named = self._book.instrument(key)
        self._sink(ContractQualified(key, self._book.con_id(key), self._book.grids.get(key), instrument=named))

    def refuse(self, key: str, why: str) -> None:
        """The broker does not know a key, or not one alone."""
        self._on_unknown(key, why)
        if self._is_wanted(key):
            self._sink(ContractQualified(key, None, None, why))

    # ---- trading hours

    def ask_hours(self, keys: Sequence[str]) -> None:
        """Ask anew for contracts' details, for their hours change while they are kept. Who does not answer is asked
        the next time."""
        for key in keys if self._wire.ready else ():
            if key not in self._asking_hours:
                self._asking_hours[key] = asyncio.create_task(self._ask_hours(key), name=f"hours of {key.strip()}")

    async def _ask_hours(self, key: str) -> None:
        try:
            self._tell_hours(key, await self._qualifier.details(key))
        except (BrokerError, ValueError):
            return
        finally:
            self._asking_hours.pop(key, None)

    def _tell_hours(self, key: str, details: ContractDetails) -> None:
        last = (details.contract.lastTradeDateOrContractMonth if details.contract else "")[:8]
        if days := hours_of(details):
            self._sink(HoursTold(key, days, day_of(last), self._clock.now()))
