"""For each deliberate break of the protocol the trouble that brings it to light, written out.

A day of the campaigns is drawn, and what it draws moves with every fault that the generator learns; what is written
here is the same tomorrow. The market of a day is its seed's; the faults, deaths and wishes are these and no others.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from types import MappingProxyType
from typing import Any, Final

from pydantic import TypeAdapter

from bot.sim.faults.catalogue import Fault
from tests.faults.crash import Crash
from tests.faults.market import OPEN
from tests.faults.people import KILL_SWITCH, Request
from tests.faults.plan import Plan, Setting

_ONE: Final[TypeAdapter[Fault]] = TypeAdapter(Fault)
_ANY: Final = 1
_USUAL: Final = Setting(adopt="ours")


def _fault(kind: str, second: int, **fields: Any) -> Fault:
    return _ONE.validate_python({"kind": kind, "at": f"10:{second // 60:02}:{second % 60:02}", **fields})


def _day(
    *faults: Fault,
    deaths: tuple[tuple[int, str], ...] = (),
    wishes: tuple[tuple[int, str, float], ...] = (),
    set_as: Setting = _USUAL,
) -> Plan:
    """Return a day; `deaths`: second and point, two seconds long; `wishes`: second, what, for how long."""
    crashes = tuple(Crash(OPEN + timedelta(seconds=second), point, 0, 2) for second, point in deaths)
    requests = tuple(Request(OPEN + timedelta(seconds=second), what, for_s) for second, what, for_s in wishes)
    return Plan(_ANY, faults, crashes, requests, set_as=set_as)


@dataclass(frozen=True)
class Provocation:
    """A day, and the markets (by seed) in one of which it tells."""

    day: Plan
    markets: tuple[int, ...]

    def days(self) -> Iterator[Plan]:
        return (replace(self.day, seed=seed) for seed in self.markets)


_EVERY_20_S: Final = range(12, 145, 20)
_WHOLE: Final = {"for_seconds": 140, "share": 1.0}
_QUIET: Final = _day(set_as=Setting(adopt="ours", ladder="four rungs"))

_DAYS: Final[Mapping[str, Plan]] = MappingProxyType(
    {
        "send_before_commit": _day(deaths=tuple((second, "before commit") for second in range(8, 145, 5))),
        "skip_exec_id": _day(_fault("duplicate", 5, callback="execution", **_WHOLE)),
        "cancel_on_10148": _day(
            *(_fault("reject", second, of="cancel", code=10148, count=4) for second in (39, 99)),
            wishes=((40, "flatten", 10.0), (100, "flatten", 10.0)),
        ),
        "no_protect_after_restart": _day(
            _fault("partial_fills", 5, for_seconds=140),
            deaths=tuple((second, "before cancel") for second in _EVERY_20_S),
        ),
        "stop_not_shrunk_before_rung": _QUIET,
        "ignore_1100_fills": _day(*(_fault("orders_lost", second, for_seconds=15) for second in (20, 50, 80, 110))),
        "absence_on_one_poll": _day(
            *(_fault("short_book", second, lacks="orders") for second in (30, 80, 130)),
            wishes=tuple((second, "reconcile", 0.0) for second in (31, 81, 131)),
        ),
        "difference_on_one_poll": _day(
            *(_fault("short_book", second, lacks="positions") for second in (30, 80, 130)),
            wishes=tuple((second, "reconcile", 0.0) for second in (31, 81, 131)),
        ),
        "reuse_order_id": _day(deaths=tuple((second, "after status") for second in _EVERY_20_S)),
        "send_again_unheard": _day(*(_fault("drop", second, for_seconds=12, share=1.0) for second in (20, 60, 100))),
        "believe_own_clock": _day(
            _fault("clock_jump", 40, for_seconds=110, by_seconds=3600), deaths=((42, "before commit"),)
        ),
        "believe_stale_data": _day(_fault("uw", 10, for_seconds=130, answer="stale")),
        "any_price": _QUIET,
        "sell_beside_a_buy": _day(set_as=Setting(adopt="ours", rivals=True)),
        "open_gate": _day(
            wishes=tuple((second, KILL_SWITCH, 2.0) for second in range(8, 145, 7)),
            set_as=Setting(approval="above_risk_pct", adopt="ours"),
        ),
        "deaf_to_holdings": _day(*(_fault("by_hand", second, does="sell_part") for second in (40, 75, 110))),
        "let_every_fault_through": _day(
            *(_fault("unappliable", second, fact="commission", for_seconds=5, share=1.0) for second in (20, 60, 100))
        ),
        "one_look": _day(_fault("wild_print", 5, does="up", for_seconds=140, share=0.2)),
        "believe_farm_words": _day(
            *(_fault("farm", second, code=2103, text="eufarm", for_seconds=20) for second in (20, 60, 100))
        ),
        "deposits_are_pnl": _day(_fault("cash", 30, amount=-60_000), _fault("cash", 90, amount=-20_000, at_fill=True)),
    }
)
_MARKETS: Final[Mapping[str, tuple[int, ...]]] = MappingProxyType(  # where it does not tell in any market
    {
        "any_price": (2, 3, 4),
        "believe_own_clock": (4, 2, 6, 8),
        "sell_beside_a_buy": (4, 5, 6, 7),
        "send_before_commit": (4, 1, 2, 3),
    }
)
PROVOKED_BY: Final[Mapping[str, Provocation]] = MappingProxyType(
    {name: Provocation(day, _MARKETS.get(name, (1, 2, 3))) for name, day in _DAYS.items()}
)


def sold_while_nothing_is_acknowledged(second: int, market: int) -> Plan:
    """Return a day on which no acknowledgement of an order can be applied for a minute and somebody else sells parts of
    what is held meanwhile: changes of stops are on their way, or lost sight of."""
    hands = (_fault("by_hand", at, does="sell_part") for at in range(second, second + 12, 3))
    deaf = _fault("unappliable", second - 1, fact="working", for_seconds=60.0, share=1.0)
    return replace(_day(*hands, deaf), seed=market)
