"""What a seed stands for: the faults, the deaths, what people ask for, and how the bot is set."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import lru_cache
from types import MappingProxyType
from typing import Final

from bot.config.schema import Settings
from bot.config.strategies import ExitSettings
from bot.domain.calendar import NEW_YORK
from bot.sim.faults.catalogue import ALL_DAY, ByHand, Fault, Reject
from bot.sim.faults.generator import (
    account_words,
    data_faults,
    farm_notices,
    other_hours,
    random_faults,
    strangers,
    trades_by_hand,
    unappliable_facts,
    wrong_clock,
)
from tests.faults.crash import Crash, random_crashes
from tests.faults.market import DAY, OPEN
from tests.faults.outages import StoreOutage, random_outages
from tests.faults.people import Request, random_requests

TROUBLE_UNTIL = OPEN + timedelta(seconds=150)
SETTLED_AT = TROUBLE_UNTIL + timedelta(seconds=45)
EQUITY = Decimal(100_000)

_WIDE: Final = MappingProxyType(  # limits that let the day go on, whatever happens
    {
        "max_positions": 9,
        "max_same_direction": 9,
        "max_per_symbol": 9,
        "daily_loss_fraction": "0.5",
        "daily_loss_usd": "0",
        "max_drawdown_fraction": "0.5",
        "max_losses_in_a_row": 1000,
        "max_pair_correlation": 1,
        "max_correlation": 1,
        "tws_gone_s": 60,
        "uw_silent_s": 600,
        "max_orders_per_minute": 1000,
        "max_rejection_fraction": "1",
        "min_rejections": 100,
        "no_zero_dte_after": "15:56",
    }
)
_TIGHT: Final = MappingProxyType(  # limits that are hit on most days
    {
        **_WIDE,
        "max_positions": 4,
        "max_same_direction": 3,
        "daily_loss_fraction": "0.02",
        "daily_loss_warning_fraction": "0.01",
        "daily_loss_usd": "1500",
        "max_drawdown_fraction": "0.02",
        "max_losses_in_a_row": 3,
        "max_pair_correlation": 0.7,
        "max_correlation": 0.8,
        "tws_gone_s": 10,
        "uw_silent_s": 30,
        "max_orders_per_minute": 25,
        "max_rejection_fraction": "0.3",
        "min_rejections": 2,
        "rejection_window_s": 60,
        "degradation": {"window": 5, "losses_in_a_row": 3},
    }
)
LIMITS: Final = MappingProxyType({"wide": _WIDE, "tight": _TIGHT})
_ENGINE: Final = MappingProxyType({"reconcile_seconds": 60, "status_wall_seconds": 30})
_EXECUTION: Final = MappingProxyType({"entry_timeout_s": 20, "reprice_after_s": 6, "partial_fill_seconds": 8})
UW_MAX_AGE_S = 20.0

_TIGHT_EXIT: Final = MappingProxyType(  # so that stops, rungs and trails all happen within minutes
    {
        "stop_loss": "0.12",
        "trail": "0.10",
        "single_trail_from": "0.10",
        "flat_at": "15:57",  # three minutes before the close of a usual day, and of this one
    }
)
_HOLDS: Final = MappingProxyType({"flat_at": "16:00", "stop_loss": "0.6", "trail": "0.6"})
LADDERS: Final = MappingProxyType(
    {
        "two rungs": (("0.10", "0.25"), ("0.20", "0.5")),
        "four rungs": (("0.05", "0.2"), ("0.10", "0.2"), ("0.15", "0.2"), ("0.25", "0.2")),
        "all sold by rungs": (("0.06", "0.5"), ("0.12", "0.5")),
        "no rung": (),
    }
)


@dataclass(frozen=True)
class Setting:
    """How the bot is set for a day, by the names of the tables above."""

    limits: str = "wide"
    approval: str = "auto"
    ladder: str = "two rungs"
    holds: bool = False  # nothing is flattened before the close
    chunk: int = 50  # contracts of one entry order
    adopt: str = "all"  # engine.adopt
    rivals: bool = False  # both strategies want the same contract at the same moment

    @classmethod
    def of(cls, seed: int) -> Setting:
        chance = random.Random(f"setting {seed}")
        return cls(
            chance.choice(("wide", "wide", "wide", "tight")),
            chance.choice(("auto", "auto", "auto", "manual", "above_risk_pct")),
            chance.choice(tuple(LADDERS)),
            holds=seed % 4 == 3,
            chunk=random.Random(f"chunk {seed}").choice((50, 50, 4, 2)),
            adopt=random.Random(f"adopt {seed}").choice(("all", "ask", "ask", "ours")),
        )

    @property
    def settings(self) -> Settings:
        return _settings(self.limits, self.approval, self.chunk, self.adopt)

    @property
    def exit(self) -> ExitSettings:
        return _exit(self.ladder, self.holds)

    def __str__(self) -> str:
        held = ", held through the close" if self.holds else ""
        said = f"{self.limits} limits, approval {self.approval}, adopts {self.adopt}, {self.ladder}"
        return f"{said}, orders of {self.chunk} at most{held}"


@lru_cache
def _settings(limits: str, approval: str, chunk: int, adopt: str) -> Settings:
    return Settings.model_validate(
        {
            "risk": {**LIMITS[limits], "max_contracts": chunk},
            "engine": {**_ENGINE, "adopt": adopt},
            "execution": _EXECUTION,
            "approval": {"mode": approval, "above_risk_fraction": "0.018", "signal_ttl_s": 25},
        }
    )


@lru_cache
def _exit(ladder: str, holds: bool) -> ExitSettings:
    rungs = [{"gain": gain, "sell_fraction": part} for gain, part in LADDERS[ladder]]
    return ExitSettings.model_validate({**_TIGHT_EXIT, **(_HOLDS if holds else {}), "rungs": rungs})


@dataclass(frozen=True)
class Plan:
    """What a seed stands for; any part of it may be taken away to find the least that still fails."""

    seed: int
    faults: tuple[Fault, ...]
    crashes: tuple[Crash, ...]
    requests: tuple[Request, ...] = ()
    outages: tuple[StoreOutage, ...] = ()
    set_as: Setting | None = None  # in the place of what the seed draws

    @classmethod
    def of(cls, seed: int) -> Plan:
        begin, end = OPEN + timedelta(seconds=5), TROUBLE_UNTIL - timedelta(seconds=5)
        wrong = wrong_clock(seed, OPEN)
        crashes = random_crashes(seed, OPEN + timedelta(seconds=8), TROUBLE_UNTIL)
        return cls(
            seed,
            (
                *random_faults(seed, begin, end, vendor=True),
                *wrong,
                *trades_by_hand(seed, begin, end),
                *strangers(seed, begin, end),
                *other_hours(seed, begin, end),
                *unappliable_facts(seed, begin, end),
                *farm_notices(seed, begin, end),
                *account_words(seed, begin, end),
                *data_faults(seed, begin, end),
            ),
            tuple(sorted((*crashes, *_born_at_a_wrong_hour(seed, wrong)), key=lambda crash: crash.after)),
            random_requests(seed, begin, end),
            random_outages(seed, begin, end),
        )

    @property
    def setting(self) -> Setting:
        return self.set_as or Setting.of(self.seed)

    @property
    def holds(self) -> bool:
        """Whether nothing is flattened before the close: every fourth day, every eighth with the bot down then."""
        return self.setting.holds

    @property
    def expires_with_some(self) -> bool:
        """Whether contracts may go through their expiry: on purpose, or because the broker takes no order back."""
        return self.holds or any(
            isinstance(fault, Reject) and fault.of == "cancel" and fault.count >= ALL_DAY for fault in self.faults
        )

    @property
    def by_hand(self) -> bool:
        """Whether somebody else trades what the account holds."""
        return any(isinstance(fault, ByHand) for fault in self.faults)

    @property
    def sleeps_through_the_close(self) -> bool:
        return self.seed % 8 == 7


def _born_at_a_wrong_hour(seed: int, wrong: Sequence[Fault]) -> list[Crash]:
    """A clock that is set in the midst of the day meets a running bot on odd days, and a start on what is held on the
    others."""
    midst = [datetime.combine(DAY, fault.at, NEW_YORK).astimezone(UTC) for fault in wrong]
    return [Crash(at + timedelta(seconds=3), "before commit", 0, 2) for at in midst if at > OPEN and seed % 2 == 0]


@dataclass
class Outcome:
    """What came of a day: `broken` is empty when every promise was kept."""

    seed: int
    broken: list[str] = field(default_factory=list)
    deaths: list[str] = field(default_factory=list)
    fills: int = 0
    orders: int = 0
    answers: dict[str, int] = field(default_factory=dict)  # command and its answer's state -> how many
    outages: list[str] = field(default_factory=list)  # what was told of a store that could not be used
    blocked: set[str] = field(default_factory=set)  # breakers that tripped
