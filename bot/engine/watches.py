"""What those who decide remember from tick to tick beside the ledger. None of it is needed to survive a restart."""

from __future__ import annotations

from dataclasses import dataclass, field

from bot.engine.limits import Limits
from bot.engine.operator import PersonsApprovals
from bot.engine.parking import Parking
from bot.engine.reconciler import Absences
from bot.engine.scan import Scanner
from bot.engine.schedule import Schedule
from bot.engine.settlement_runs import SettlementRuns
from bot.engine.silence import Silences
from bot.engine.totals import DayTotals
from bot.engine.vigil import Vigil
from bot.engine.windows import Windows


@dataclass(frozen=True, slots=True)
class Watches:
    """One of each for the life of an engine; each is explained where it is made."""

    limits: Limits = field(default_factory=Limits)
    scanner: Scanner = field(default_factory=Scanner)
    schedule: Schedule = field(default_factory=Schedule)
    absences: Absences = field(default_factory=Absences)
    parking: Parking = field(default_factory=Parking)
    windows: Windows = field(default_factory=Windows)
    settlements: SettlementRuns = field(default_factory=SettlementRuns)
    silences: Silences = field(default_factory=Silences)
    vigil: Vigil = field(default_factory=Vigil)
    totals: DayTotals = field(default_factory=DayTotals)
    approvals: PersonsApprovals = field(default_factory=lambda: PersonsApprovals({}))
