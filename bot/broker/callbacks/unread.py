"""What the strict decoder could not read: told, counted, and never mistaken for something that is absent."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from typing import Final

from bot.broker.callbacks.hearing import COMPLETED, OPEN_ORDERS, POSITIONS, ConnectionHearing
from bot.broker.ownership import LAYOUTS, STATUS, foreign_of, may_be_ours
from bot.broker.repeats import Repeats, so_often
from bot.broker.requests import Spoiled
from bot.domain.errors import UnknownWord
from bot.domain.events.account import ForeignSeen
from bot.domain.outside import outside, whole_number

EXECUTION: Final = "11"
_PART_OF: Final[Mapping[str, str]] = {"5": OPEN_ORDERS, "101": COMPLETED, "61": POSITIONS}


class UnreadMessages:
    """What the strict decoder could not read: told, counted, and never mistaken for something that is absent."""

    def __init__(self, hearing: ConnectionHearing) -> None:
        self._hearing = hearing
        self._parts = hearing.parts
        self._unknown = Repeats()

    def unreadable(self, fields: Sequence[str], error: Exception) -> None:
        if self._is_foreign(fields, outside(repr(error))):
            return
        text = f"message {fields[0] if fields else '?'} from TWS could not be read: {outside(repr(error))}"
        self._spoil(fields, text)
        self._parts.data_health.dropped(text)
        self._hearing.alert("TWS_UNREADABLE", text, {"fields": list(fields)[:60]})

    def unknown_zone(self, zone: str) -> None:
        told = (
            f"TWS tells execution times in the zone {outside(zone, 60)!r}, which nobody knows: ibkr.tws_zone is taken"
        )
        self._hearing.alert("TWS_ZONE_UNKNOWN", told, {"zone": zone})

    def unknown_word(self, fields: Sequence[str], error: UnknownWord) -> None:
        if self._is_foreign(fields, str(error)):
            return
        self._spoil(fields, str(error))
        self._parts.data_health.dropped(str(error))
        if times := self._unknown.count(str(error)):
            self._hearing.alert(
                "UNKNOWN_WORD", f"{error}{so_often(times)}", {"fields": list(fields)[:60], "times": times}
            )

    def _is_foreign(self, fields: Sequence[str], why: str) -> bool:
        """Set aside what cannot be read and is nobody's of ours: kept as it came, it spoils no answer."""
        if not fields or (fields[0] != STATUS and fields[0] not in LAYOUTS) or may_be_ours(fields, self._parts.owner):
            return False
        if fields[0] != STATUS:
            self._set_aside(fields, foreign_of(fields, why, self._parts.clock.now()))
        return True

    def _set_aside(self, fields: Sequence[str], seen: ForeignSeen) -> None:
        self._parts.desk.set_aside(seen)
        name: Hashable = _PART_OF.get(fields[0])
        if name is None and len(fields) > 1:
            name = whole_number(fields[1])
        if not self._hearing.requests.add(name, seen) and not self._hearing.muted:
            self._parts.sink(seen)

    def _spoil(self, fields: Sequence[str], why: str) -> None:
        """An item that could not be read must not look absent in the answer that it was part of."""
        name = _PART_OF.get(fields[0]) if fields else None
        if name is not None:
            self._hearing.requests.add(name, Spoiled(why))
        elif len(fields) > 1 and fields[0] == EXECUTION and (request := whole_number(fields[1])) is not None:
            self._hearing.requests.add(request, Spoiled(why))
