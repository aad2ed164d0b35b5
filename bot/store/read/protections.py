"""How positions are protected, as `v_protection` counts it: for the page, the status and the metrics alike."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import Connection, bindparam, text

from bot.store.values import maybe_parse_time


@dataclass(frozen=True, slots=True)
class ProtectionRow:
    """One position's protection. `contract_seconds`: the clock's seconds in which contracts had no working sale at the
    broker, times how many they were."""

    protection: str
    stopped_contracts: int
    unprotected_contracts: int
    unprotected_since: datetime | None
    seconds: float
    contract_seconds: float


_OF: Final = text(
    "SELECT position_id, protection, stopped_contracts, unprotected_contracts, unprotected_since, seconds, "
    "contract_seconds FROM v_protection WHERE position_id IN :ids"
).bindparams(bindparam("ids", expanding=True))

_TOTALS: Final = text("SELECT SUM(unprotected_contracts), SUM(contract_seconds) FROM v_protection")


def protections(connection: Connection, ids: Sequence[str]) -> Mapping[str, ProtectionRow]:
    """Return the protection of each of these positions, by id."""
    return {
        row[0]: ProtectionRow(row[1], int(row[2]), int(row[3]), maybe_parse_time(row[4]), float(row[5]), float(row[6]))
        for row in connection.execute(_OF, {"ids": list(ids)})
    }


def totals(connection: Connection) -> tuple[int, float]:
    """Return the contracts that nothing covers now, and the unprotected contract-seconds of every position ever."""
    contracts, seconds = connection.execute(_TOTALS).one()
    return int(contracts or 0), float(seconds or 0)
