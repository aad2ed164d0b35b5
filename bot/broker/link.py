"""The health of the link beyond the socket: TWS stays connected while the broker, a data farm or our data are gone."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Any, Final

from bot.broker import words
from bot.broker.words import SystemWord
from bot.domain.events.link import LinkChange, LinkChanged
from bot.domain.events.people import AlertRaised
from bot.domain.farms import may_serve
from bot.engine.state.ports import Clock, Sink

COMPETING_QUIET_S: Final = 2.0
"""Ticks that come so soon after a competing-session error were already on their way."""

_SEVERITY: Final[Mapping[SystemWord, str]] = {SystemWord.WARNING: "warning", SystemWord.FAULT: "critical"}


class LinkHealth:
    """Turns system codes into link changes. `on_restored(kept)` is called when TWS has the broker back."""

    def __init__(
        self,
        clock: Clock,
        sink: Sink,
        on_restored: Callable[[bool], None],
        on_account_lost: Callable[[], None],
        on_farm: Callable[[str], None],
    ) -> None:
        self._clock = clock
        self._sink = sink
        self._on_restored = on_restored
        self._on_account_lost = on_account_lost
        self._on_farm = on_farm
        self._accepted = False
        self._silent = ""  # which lines that we need are silent, in words
        self._broken: dict[str, float] = {}  # farm, since when by the loop's time
        self._orders_lost_by: int | None = None
        self._competing_at: float | None = None
        self._id_taken_told = False

    def begin(self) -> None:
        """A new connection: nothing is known to be wrong."""
        self._accepted = False
        self._silent = ""
        self._broken.clear()
        self._orders_lost_by = None
        self._competing_at = None

    def change(self, change: LinkChange, detail: str) -> None:
        self._sink(LinkChanged(change, detail, self._clock.now()))

    def accepted(self, detail: str) -> None:
        """The login is complete; what was heard before now is told now."""
        self._accepted = True
        self._id_taken_told = False
        self.change(LinkChange.ACCEPTED, detail)
        self.remind()

    def remind(self) -> None:
        """Say again what is wrong: a consumer that has just synchronised could not take it before."""
        if self._orders_lost_by is not None:
            self.change(LinkChange.ORDERS_LOST, f"{self._orders_lost_by}: TWS has no connection to the broker")
        elif self._competing_at is not None:
            self.change(LinkChange.COMPETING, "another session of this user has the market data")
        elif self._silent:
            self.change(LinkChange.DATA_LOST, self._silent)

    @property
    def is_degraded(self) -> bool:
        return self._orders_lost_by is not None or self._competing_at is not None or bool(self._silent)

    @property
    def trouble(self) -> tuple[object, ...]:
        """Return what is wrong now, only to be compared with what was wrong before."""
        return self._accepted, self._orders_lost_by, self.is_competing, tuple(self._broken)

    def is_serving(self, ticked_at: float, *, option: bool) -> bool:
        """Say whether a line, of an option or not, is connected all the way to the exchange. TWS names the farm that
        broke and not what it serves; a line that has ticked since (by the loop's time) is served whatever was said."""
        if not self._accepted or self._orders_lost_by is not None or self.is_competing:
            return False
        farms = (farm for farm, since in self._broken.items() if ticked_at <= since)
        return not any(may_serve(farm, option=option) for farm in farms)

    def system(self, code: int, text: str) -> None:
        """Take a code that came for nobody in particular; raises UnknownWord."""
        if code in words.FARM_CODES and self._accepted:  # with a login TWS lists farms, and lines are not open yet
            self._on_farm(f"{code} {text}")
        word = words.system_word(code)
        if code in _BREAKS:
            self._broken.setdefault(_farm(text), asyncio.get_running_loop().time())
        handle = {
            SystemWord.ORDERS_LOST: self._orders_lost,
            SystemWord.RESTORED_ANEW: self._restored,
            SystemWord.RESTORED_KEPT: self._restored,
            SystemWord.FARM_OK: self._farm_ok,
            SystemWord.COMPETING: lambda _, words_of: self.competing(words_of),
            SystemWord.ACCOUNT_STREAM_LOST: lambda *_: self._on_account_lost(),
            SystemWord.WARNING: self._tell,
            SystemWord.FAULT: self._tell,
            SystemWord.ID_TAKEN: self._tell_id_taken,
        }.get(word)
        if handle is not None:
            handle(code, text)

    def competing(self, text: str) -> None:
        first = self._competing_at is None
        self._competing_at = asyncio.get_running_loop().time()
        if first and self._accepted:
            self.change(LinkChange.COMPETING, text)

    def data_flows(self) -> None:
        """Ticks arrive: a competing session has let go, when they are not the last of the old stream."""
        if self._competing_at is None:
            return
        if asyncio.get_running_loop().time() - self._competing_at < COMPETING_QUIET_S:
            return
        self._competing_at = None
        if self._accepted and not self.is_degraded:
            self.change(LinkChange.DATA_RESTORED, "market data flows again")

    @property
    def is_competing(self) -> bool:
        return self._competing_at is not None

    def _orders_lost(self, code: int, text: str) -> None:
        first = self._orders_lost_by is None
        self._orders_lost_by = code
        if first and self._accepted:
            self.change(LinkChange.ORDERS_LOST, f"{code}: {text}")

    def _restored(self, code: int, text: str) -> None:
        self._heal(f"{code}: {text}", kept=words.system_word(code) is SystemWord.RESTORED_KEPT)

    def _heal(self, detail: str, *, kept: bool) -> None:
        self._orders_lost_by = None
        if self._accepted:
            self.change(LinkChange.RESTORED, detail)
            self._on_restored(kept)

    def lines_silent(self, silent: str) -> None:
        """Take what was found after a farm's notice: which lines that we need are silent, nothing when they speak."""
        before, self._silent = self._silent, silent
        if not self._accepted or self._orders_lost_by is not None:
            return
        if silent:
            self.change(LinkChange.DATA_LOST, silent)
        elif before and not self.is_degraded:
            self.change(LinkChange.DATA_RESTORED, "the lines speak again")

    def _farm_ok(self, code: int, text: str) -> None:
        if self._orders_lost_by == 2110:  # the link inside TWS heals without a 1101 or 1102
            self._heal(f"{code}: {text}", kept=True)
        self._broken.pop(_farm(text), None)

    def _tell(self, code: int, text: str) -> None:
        severity = _SEVERITY[words.system_word(code)]
        self._alert("TWS_" + str(code), f"{code}: {text}", {"code": code, "text": text}, severity=severity)

    def _tell_id_taken(self, code: int, text: str) -> None:
        """Once until we are let in, not once an attempt."""
        if self._id_taken_told:
            return
        self._id_taken_told = True
        told = f"{text} (orders belong to their client id, so no other one is taken; it is tried again)"
        self._alert("CLIENT_ID_IN_USE", told, {"code": code})

    def _alert(self, code: str, text: str, facts: Mapping[str, Any], *, severity: str = "") -> None:
        self._sink(AlertRaised(code, text, facts, self._clock.now(), severity))


_BREAKS: Final = frozenset({2103})
"""The farms of history (2105) and of definitions (2157) serve no line."""


def _farm(text: str) -> str:
    """Return the farm that a notice names after its last colon."""
    return text.rpartition(":")[2].strip() if ":" in text else ""
