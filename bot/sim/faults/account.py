"""An account that says of itself what it should not: nothing, zeros, another currency, values of some time ago."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from typing import Any, Final

from bot.domain.events.account import AccountReported
from bot.sim.faults.catalogue import AccountSays
from bot.sim.faults.script import FaultScript

_SLOW_S: Final = 180.0


class AccountFaults:
    """Remembers what was last said of value and of P&L, for a part that falls silent is said again as it was."""

    def __init__(self, script: FaultScript) -> None:
        self.script = script
        self._valued: AccountReported | None = None
        self._pnl: AccountReported | None = None

    def told(self, event: AccountReported, now: datetime) -> AccountReported:
        """Return what an adapter makes of what the account says of itself at this moment."""
        fault = self.script.active(AccountSays, now)
        if fault is None or self._valued is None or self._pnl is None:
            self._valued = self._pnl = event
            return event
        valued, pnl = self._valued, self._pnl
        if fault.says in {"pnl_silent", "slow"}:
            event = _with_old(event, valued, pnl, of_value=fault.says == "slow")
        if fault.says == "slow" and (now - valued.at).total_seconds() >= _SLOW_S:
            self._valued = event = replace(event, at=now)
        changes: dict[str, dict[str, Any]] = {
            "zeros": dict.fromkeys(("net_liquidation", "cash", "available_funds", "buying_power"), Decimal(0)),
            "base": {"net_liquidation": None, "currency": "EUR"},
            "missing": {self.script.chance.choice(("net_liquidation", "cash", "available_funds", "daily_pnl")): None},
            "pnl_unset": {"daily_pnl": None, "pnl_at": pnl.pnl_at},
        }
        return replace(event, **changes.get(fault.says, {}))


def _with_old(
    event: AccountReported, valued: AccountReported, pnl: AccountReported, *, of_value: bool
) -> AccountReported:
    """Return a report of which the account's value, or its P&L, is an older one's."""
    if of_value:
        return replace(event, net_liquidation=valued.net_liquidation, cash=valued.cash, at=valued.at)
    return replace(
        event,
        daily_pnl=pnl.daily_pnl,
        realized_pnl=pnl.realized_pnl,
        unrealized_pnl=pnl.unrealized_pnl,
        pnl_at=pnl.pnl_at,
    )
