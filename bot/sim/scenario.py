"""A scripted day: which symbols trade, how the price is bent, where the open interest sits.

A scenario is a YAML file under `config/scenarios/`. Acts do not place prices: they bend the drift of the path (with
mean reversion to the script), lean the order book, widen spreads, or lean the option flow, so that every seed gives a
different day with the same story. Only `jump` moves a price at once.
"""

from __future__ import annotations

from datetime import date, datetime, time
from pathlib import Path
from types import MappingProxyType
from typing import Annotated, Any, Final, Literal
from zoneinfo import ZoneInfo

import yaml
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator

from bot.config.schema import ApprovalMode, Settings
from bot.config.section import Symbol
from bot.config.yaml_source import read_text, syntax
from bot.domain.errors import ConfigError
from bot.domain.outside import MOST_SENTENCE, outside
from bot.sim.faults.catalogue import KINDS, Fault
from bot.sim.services.script import ServicesScript

Day = date  # a field below is called `date`

NEW_YORK: Final = ZoneInfo("America/New_York")
SCENARIO_FOLDER: Final = Path(__file__).resolve().parents[2] / "config" / "scenarios"

# Full closures of the US options exchanges near the scripted days; expiries skip them. A scenario may name its own.
MARKET_HOLIDAYS: Final = (
    date(2026, 9, 7),
    date(2026, 11, 26),
    date(2026, 12, 25),
    date(2027, 1, 1),
    date(2027, 1, 18),
    date(2027, 2, 15),
    date(2027, 3, 26),
)

MARKET_HALF_DAYS: Final = (date(2026, 11, 27), date(2026, 12, 24), date(2027, 11, 26))
"""Days near the scripted ones that close at 13:00; a scenario's own day closes when it says."""


class ScenarioError(ConfigError):
    """A scenario file that cannot be used; the text names file, key, value and what is allowed."""


def _clock_time(value: Any) -> Any:
    """Accept "HH:MM". YAML 1.1 reads an unquoted 10:05 as the base-60 integer 605, so that is turned back."""
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 24 * 60:
        return time(value // 60, value % 60)
    if isinstance(value, str):
        try:
            return datetime.strptime(value, "%H:%M").time()  # noqa: DTZ007 - a time of day in New York, no date yet
        except ValueError:
            raise ValueError('a time of day as "HH:MM", New York') from None
    return value


ClockTime = Annotated[time, BeforeValidator(_clock_time)]


DATA_GROUPS: Final = frozenset(
    {
        "options", "equities", "sectors", "indices_us", "indices_europe", "indices_asia", "indices_americas", "breadth",
        "futures_index", "futures_rates", "futures_energy", "futures_metals", "futures_currencies", "fx", "crypto",
    }
)  # fmt: skip
"""What one market data subscription of the venue serves, by the name of the group."""


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class _Act(_Strict):
    """Something that happens to one symbol from `at` (New York time) for `for_minutes`."""

    at: ClockTime
    for_minutes: float = Field(gt=0, le=480)

    def starts(self) -> int:
        """Return seconds since midnight, New York."""
        return self.at.hour * 3600 + self.at.minute * 60

    def ends(self) -> int:
        return self.starts() + round(self.for_minutes * 60)


class Pin(_Act):
    """The price is pulled to a strike (the symbol's pin unless given), `offset_percent` away from it."""

    kind: Literal["pin"]
    strike: float | None = Field(default=None, gt=0)
    offset_percent: float = Field(default=0.0, ge=-3, le=3)
    calm: float = Field(default=0.4, gt=0, le=2, description="multiplies the volatility while it lasts")


class Drift(_Act):
    """The price walks `percent` from where it is, or to the price `to`, evenly over the act."""

    kind: Literal["drift"]
    percent: float | None = Field(default=None, ge=-10, le=10)
    to: float | None = Field(default=None, gt=0)
    calm: float = Field(default=0.5, gt=0, le=2)

    @model_validator(mode="after")
    def _one_target(self) -> Drift:
        if (self.percent is None) == (self.to is None):
            raise ValueError("give exactly one of percent, to")
        return self


class Jump(_Strict):
    """The price moves `percent` within one second: news."""

    kind: Literal["jump"]
    at: ClockTime
    percent: float = Field(ge=-10, le=10)

    def starts(self) -> int:
        return self.at.hour * 3600 + self.at.minute * 60

    def ends(self) -> int:
        return self.starts() + 1


class Halt(_Act):
    """Trading stops: no quotes, no matching, the price stands."""

    kind: Literal["halt"]


class WideSpread(_Act):
    """Option spreads are multiplied by `factor`, displayed sizes by `size_factor`."""

    kind: Literal["wide_spread"]
    factor: float = Field(default=8.0, ge=0.1, le=100)
    size_factor: float = Field(default=1.0, gt=0, le=10)


class BookBias(_Act):
    """The stock's order book leans: +0.4 means 70 % of the displayed size is bid."""

    kind: Literal["book_bias"]
    bias: float = Field(ge=-0.9, le=0.9)


class FlowBias(_Act):
    """Option buyers lean to calls (+) or puts (−)."""

    kind: Literal["flow_bias"]
    bias: float = Field(ge=-1, le=1)


class _Sometimes(_Strict):
    """Something that points one way and comes true with `probability`; a coin of the seed says whether today. The price
    then goes `percent` that way, otherwise as far the other."""

    direction: Literal[-1, 1]
    probability: float = Field(default=0.8, ge=0, le=1)
    percent: float = Field(default=0.35, ge=0, le=10)


class Closing(_Act, _Sometimes):
    """Orders for the closing auction gather: option flow and trades off the exchanges lean by `strength` while it
    lasts; the price goes in the ten minutes after it."""

    kind: Literal["closing"]
    strength: float = Field(default=0.5, ge=0, le=1)


class Informed(_Act, _Sometimes):
    """People who know filed `count` trades `filed_days_before`; the price goes while it lasts."""

    kind: Literal["informed"]
    who: Literal["congress", "insiders"]
    count: int = Field(default=4, ge=1, le=20)
    filed_days_before: int = Field(default=2, ge=1, le=30)


class Release(_Sometimes):
    """An economic release that the vendor's calendar names: the price jumps with it."""

    kind: Literal["release"]
    at: ClockTime
    name: str = Field(min_length=1, max_length=80)

    def starts(self) -> int:
        return self.at.hour * 3600 + self.at.minute * 60

    def ends(self) -> int:
        return self.starts() + 1


class ReportToday(_Sometimes):
    """The company reports today: before the open, which then gaps against the close before, or after the close."""

    kind: Literal["earnings"]
    at: ClockTime = time(9, 30)
    when: Literal["premarket", "postmarket"] = "premarket"

    def starts(self) -> int:
        return self.at.hour * 3600 + self.at.minute * 60

    def ends(self) -> int:
        return self.starts() + 1


Uncertain = Closing | Informed | Release | ReportToday
Act = Annotated[
    Pin | Drift | Jump | Halt | WideSpread | BookBias | FlowBias | Closing | Informed | Release | ReportToday,
    Field(discriminator="kind"),
]
PRICE_ACTS: Final = (Pin, Drift, Jump, Halt, Closing, Informed, Release, ReportToday)


class SymbolScript(_Strict):
    """One underlying's day. `iv` is the 30-day at-the-money volatility as a fraction; prices are dollars."""

    open: float = Field(gt=0, le=1_000_000)
    iv: float = Field(gt=0.01, le=3)
    pin: float | None = Field(default=None, gt=0)
    previous_close: float | None = Field(default=None, gt=0)
    follows: str | None = Field(default=None, description="the symbol whose path this one copies, scaled")
    book_noise: float = Field(default=0.06, ge=0, le=0.5)
    term: float = Field(
        default=0.0, ge=-0.9, le=0.9,
        description="of a year's volatility over the month's, as a fraction; below 0 the term structure is inverted",
    )  # fmt: skip
    acts: list[Act] = Field(default_factory=list)

    @model_validator(mode="after")
    def _follower_has_no_price_acts(self) -> SymbolScript:
        if self.follows and any(isinstance(act, PRICE_ACTS) for act in self.acts):
            raise ValueError("a symbol that follows another has only wide_spread, book_bias and flow_bias acts")
        for act in self.acts:
            if isinstance(act, Pin) and act.strike is None and self.pin is None:
                raise ValueError("a pin act without a strike needs the symbol's pin")
        return self


class AccountScript(_Strict):
    """`equity`: opening cash in dollars."""

    equity: Annotated[str, Field(pattern=r"^[0-9]{1,12}(\.[0-9]{1,2})?$")] = "100000"


class VenueScript(_Strict):
    """How the matching engine behaves; latency is simulated time."""

    latency_ms: int = Field(default=40, ge=0, le=10_000)
    partial_fill_probability: float = Field(default=0.15, ge=0, le=1)
    allow_short_options: bool = False


class Scenario(_Strict):
    """A whole day. Times of day are New York's."""

    name: str
    description: str
    date: Day
    start_at: ClockTime = time(9, 25)
    open: ClockTime = time(9, 30)
    close: ClockTime = time(16, 0)
    holidays: tuple[Day, ...] = MARKET_HOLIDAYS
    account: AccountScript = AccountScript()
    venue: VenueScript = VenueScript()
    symbols: dict[Symbol, SymbolScript] = Field(min_length=1)
    faults: list[Fault] = Field(default_factory=list)
    refused: dict[str, int] = Field(
        default_factory=dict, description="groups of market data that the login has no subscription for, with the code"
    )
    services: ServicesScript = ServicesScript()
    speed: float | None = Field(
        default=None, gt=0, le=1000, description="instead of sim.speed, unless --speed says more"
    )
    approval: ApprovalMode | None = Field(default=None, description="instead of approval.mode: who is asked this day")

    @model_validator(mode="after")
    def _coherent(self) -> Scenario:
        if self.close <= self.open:
            raise ValueError("close must be after open")
        if self.date.weekday() >= 5 or self.date in self.holidays:
            raise ValueError(f"{self.date} is not a session")
        unknown = sorted(set(self.refused) - DATA_GROUPS)
        if unknown:
            raise ValueError(f"refused: no group {', '.join(unknown)}; there are {', '.join(sorted(DATA_GROUPS))}")
        for symbol, script in self.symbols.items():
            leader = self.symbols.get(script.follows) if script.follows else None
            if script.follows and (leader is None or leader.follows):
                raise ValueError(f"{symbol} follows {script.follows}, which must be a symbol with a path of its own")
        return self

    def moment(self, at: time, day: Day | None = None) -> datetime:
        """Return a time of day of the session as an instant (New York zone)."""
        return datetime.combine(day or self.date, at, tzinfo=NEW_YORK)

    def settings_of_the_day(self, settings: Settings) -> Settings:
        """Return the settings as this day is to be lived: strategies look at what it has options on."""
        strategies = settings.strategies.on_symbols(self.symbols)
        settings = settings.model_copy(update={"strategies": strategies})
        if self.approval is None:
            return settings
        return settings.model_copy(update={"approval": settings.approval.model_copy(update={"mode": self.approval})})

    def starts(self) -> datetime:
        """Return the instant at which the scenario's clock starts."""
        return self.moment(self.start_at)


def kinds_of_acts() -> list[str]:
    """Return the words for what may happen to a symbol, in the order of the schema."""
    union = Act.__origin__  # type: ignore[attr-defined]  # of Annotated
    return [kind.model_fields["kind"].annotation.__args__[0] for kind in union.__args__]


_ALLOWED: Final = MappingProxyType(
    {
        "extra_forbidden": "one of the documented keys",
        "union_tag_invalid": ", ".join(kinds_of_acts()),
    }
)


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except (OSError, ValueError):  # a name that is too long, or has a zero byte in it
        return False


def _explain(shown: str, error: ValidationError, data: Any) -> str:
    lines = []
    problems = error.errors(include_url=False)
    for problem in problems[:_MOST_PROBLEMS]:
        key = outside(".".join(str(part) for part in problem["loc"])) or "(whole file)"
        value = outside(problem["input"], _MOST_VALUE) if problem["input"] is not data else "…"
        allowed = _ALLOWED.get(problem["type"], outside(problem["msg"]))
        if problem["type"] in {"union_tag_invalid", "union_tag_not_found"} and problem["loc"][0] == "faults":
            allowed = f"kind: {KINDS}"
        if problem["type"] == "extra_forbidden":
            allowed = f"{allowed}; unknown key"
        lines.append(f"{shown}: {key} = {value!r}: allowed: {allowed}")
    if len(problems) > _MOST_PROBLEMS:
        lines.append(f"{shown}: and {len(problems) - _MOST_PROBLEMS} more")
    return "\n".join(lines)


_MOST_PROBLEMS: Final = 40
_MOST_VALUE: Final = 60


def scenario_names() -> list[str]:
    """Return the names of the scenarios that come with the program."""
    return sorted(path.stem for path in SCENARIO_FOLDER.glob("*.yaml"))


def load_scenario(name_or_path: str | Path) -> Scenario:
    """Read a scenario by name or by its file's path; raises `ScenarioError` naming file, key and what is allowed."""
    path = Path(name_or_path)
    if path.suffix not in {".yaml", ".yml"}:
        path = SCENARIO_FOLDER / f"{name_or_path}.yaml"
    shown = outside(path)
    if not _is_file(path):
        raise ScenarioError(
            f"scenario {outside(name_or_path)!r}: no file {shown}; allowed: {', '.join(scenario_names())}"
        )
    try:
        data = yaml.safe_load(read_text(path, shown))
    except yaml.YAMLError as error:
        raise ScenarioError(f"{shown}: not valid YAML: {syntax(error)}") from error
    except ConfigError as error:
        raise ScenarioError(str(error)) from error
    except (ValueError, RecursionError) as error:  # a number of more digits than can be read, lists without an end
        raise ScenarioError(f"{shown}: a value cannot be read: {outside(error)}") from error
    if not isinstance(data, dict):
        raise ScenarioError(f"{shown}: allowed: a mapping with name, description, date, symbols, ...")
    try:
        return _within_the_border(Scenario.model_validate(data))
    except ValidationError as error:
        raise ScenarioError(_explain(shown, error, data)) from error
    except RecursionError as error:
        raise ScenarioError(f"{shown}: an anchor contains itself. Write the values out.") from error


def _within_the_border(scenario: Scenario) -> Scenario:
    """Return a scenario whose words can be shown: they go to log, store and page."""
    words = {"name": outside(scenario.name), "description": outside(scenario.description, MOST_SENTENCE)}
    return scenario.model_copy(update=words)
