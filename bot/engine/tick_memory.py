"""What those who decide remember from tick to tick beside the ledger. None of it is needed to survive a restart."""

from __future__ import annotations

from dataclasses import dataclass, field

from bot.domain.timetable import SETTLEMENT
from bot.engine.book.comparison import Absences
from bot.engine.book.told_holdings import ToldHoldings
from bot.engine.book.totals import DayTotals
from bot.engine.day.cross_check import CrossCheck
from bot.engine.day.degradation import StrategyHealth
from bot.engine.day.forecasts import ForecastBook
from bot.engine.day.hours import BrokerHours
from bot.engine.day.limits import Limits
from bot.engine.day.marks import PositionMarks
from bot.engine.day.not_trading import NotTradingWatch
from bot.engine.day.rest import Rest
from bot.engine.day.restart_windows import RestartWindows
from bot.engine.day.stated_measures import StatedMeasures
from bot.engine.outbox.approvals import Reminders
from bot.engine.outbox.outbox import Outbox
from bot.engine.outbox.well import MorningWord
from bot.engine.requested.desk import PersonsApprovals
from bot.engine.state.fact_faults import FactFaults
from bot.engine.state.moment_runs import MomentRuns
from bot.engine.state.parking import Parking
from bot.engine.state.schedule import Schedule
from bot.engine.state.shown import DealersShown
from bot.engine.switches import Reloading
from bot.engine.trade.agenda import Agenda
from bot.engine.trade.calm import CalmPositions
from bot.engine.trade.no_market import NoMarketWatch
from bot.engine.trade.scan import Scanner


@dataclass(frozen=True, slots=True)
class TickMemory:
    """One of each for the life of an engine; each is explained where it is made."""

    limits: Limits = field(default_factory=Limits)
    scanner: Scanner = field(default_factory=Scanner)
    schedule: Schedule = field(default_factory=Schedule)
    absences: Absences = field(default_factory=Absences)
    faults: FactFaults = field(default_factory=FactFaults)
    parking: Parking = field(default_factory=Parking)
    windows: RestartWindows = field(default_factory=RestartWindows)
    rest: Rest = field(default_factory=Rest)
    hours: BrokerHours = field(default_factory=BrokerHours)
    settlements: MomentRuns = field(default_factory=lambda: MomentRuns(SETTLEMENT))
    cross_check: CrossCheck = field(default_factory=CrossCheck)
    no_market: NoMarketWatch = field(default_factory=NoMarketWatch)
    not_trading: NotTradingWatch = field(default_factory=NotTradingWatch)
    holdings: ToldHoldings = field(default_factory=ToldHoldings)
    health: StrategyHealth = field(default_factory=StrategyHealth)
    forecasts: ForecastBook = field(default_factory=ForecastBook)
    stated: StatedMeasures = field(default_factory=StatedMeasures)
    agenda: Agenda = field(default_factory=Agenda)
    marks: PositionMarks = field(default_factory=PositionMarks)
    calm: CalmPositions = field(default_factory=CalmPositions)
    dealers: DealersShown = field(default_factory=DealersShown)
    totals: DayTotals = field(default_factory=DayTotals)
    reminders: Reminders = field(default_factory=Reminders)
    outbox: Outbox = field(default_factory=Outbox)
    morning: MorningWord = field(default_factory=MorningWord)
    reloading: Reloading = field(default_factory=Reloading)
    approvals: PersonsApprovals = field(default_factory=lambda: PersonsApprovals({}))
