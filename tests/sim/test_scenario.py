"""Scenario files: what is refused and how it is said, and that each day keeps its promise on every seed."""

import tempfile
from datetime import time, timedelta
from itertools import pairwise
from pathlib import Path

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.config.loader import load
from bot.config.schema import ApprovalMode, Settings
from bot.domain.errors import ConfigError
from bot.sim.market import build_market
from bot.sim.scenario import SCENARIO_FOLDER, ScenarioError, load_scenario, scenario_names
from tests.examples import examples
from tests.sim.naive_trader import Trade, trade_day
from tests.work import measured

GOOD = {
    "name": "tiny",
    "description": "one symbol",
    "date": "2026-11-20",
    "symbols": {
        "SPY": {"open": 590, "iv": 0.12, "pin": 590, "acts": [{"at": "10:05", "for_minutes": 5, "kind": "pin"}]}
    },
}
LADDER = ["rung1", "rung2", "trail"]


def write(folder: Path, data: object) -> Path:
    path = folder / "tiny.yaml"
    path.write_text(data if isinstance(data, str) else yaml.safe_dump(data), encoding="utf-8")
    return path


def test_a_small_scenario_is_read_with_its_defaults(tmp_path: Path) -> None:
    scenario = load_scenario(write(tmp_path, GOOD))
    assert (scenario.open, scenario.close, scenario.start_at) == (time(9, 30), time(16), time(9, 25))
    assert scenario.account.equity == "100000"
    assert scenario.symbols["SPY"].acts[0].starts() == 10 * 3600 + 300


def test_an_unquoted_time_means_what_it_says(tmp_path: Path) -> None:
    text = yaml.safe_dump(GOOD).replace("'10:05'", "10:05")
    assert load_scenario(write(tmp_path, text)).symbols["SPY"].acts[0].at == time(10, 5)


@pytest.mark.parametrize(
    "change,words",
    [
        ({"colour": "red"}, ("colour", "unknown key")),
        ({"faults": [{"kind": "gremlin", "at": "10:00"}]}, ("faults", "orders_lost")),
        ({"date": "2026-11-21"}, ("2026-11-21", "not a session")),
        ({"date": "2026-11-26"}, ("2026-11-26", "not a session")),
        ({"close": "09:00"}, ("close must be after open",)),
        ({"start_at": "25:00"}, ("start_at", "HH:MM")),
        ({"account": {"equity": "a lot"}}, ("account.equity", "a lot")),
        ({"symbols": {}}, ("symbols",)),
        ({"symbols": {"SPY": {"open": -1, "iv": 0.1}}}, ("symbols.SPY.open", "-1", "greater than 0")),
        ({"symbols": {"SPX": {"open": 5900, "iv": 0.1, "follows": "SPY"}}}, ("SPX follows SPY",)),
        (
            {"symbols": {"SPY": {"open": 590, "iv": 0.1, "acts": [{"at": "10:00", "kind": "dance"}]}}},
            ("dance", "pin, drift, jump, halt, wide_spread, book_bias, flow_bias"),
        ),
        (
            {"symbols": {"SPY": {"open": 590, "iv": 0.1, "acts": [{"at": "10:00", "for_minutes": 5, "kind": "pin"}]}}},
            ("needs the symbol's pin",),
        ),
        (
            {
                "symbols": {
                    "SPY": {"open": 590, "iv": 0.1, "acts": [{"at": "10:00", "for_minutes": 5, "kind": "drift"}]}
                }
            },
            ("exactly one of percent, to",),
        ),
    ],
)
def test_a_wrong_file_is_refused_with_file_key_and_what_is_allowed(
    tmp_path: Path, change: dict[str, object], words: tuple[str, ...]
) -> None:
    path = write(tmp_path, GOOD | change)
    with pytest.raises(ScenarioError) as refused:
        load_scenario(path)
    assert isinstance(refused.value, ConfigError)
    for word in (str(path), *words):
        assert word in str(refused.value)


def test_an_unknown_name_is_answered_with_the_known_ones() -> None:
    with pytest.raises(ScenarioError, match="demo, gamma_pin_day, half_day, loser_day, quiet_day"):
        load_scenario("no_such_day")


def test_a_file_that_is_no_mapping_or_no_yaml_is_refused(tmp_path: Path) -> None:
    for text in ("- 1\n- 2\n", "a: [\n"):
        with pytest.raises(ScenarioError, match=r"tiny\.yaml"):
            load_scenario(write(tmp_path, text))


@pytest.mark.parametrize("name", scenario_names())
def test_every_shipped_scenario_is_named_like_its_file(name: str) -> None:
    assert load_scenario(name).name == name
    assert load_scenario(SCENARIO_FOLDER / f"{name}.yaml") == load_scenario(name)


# -- the promises, by the plain rule of naive_trader ---------------------------------------------------------------


def trades(name: str, seed: int) -> list[Trade]:
    return trade_day(build_market(load_scenario(name), seed)).trades


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(6))
def test_gamma_pin_day_has_full_ladders_in_several_symbols(seed: int) -> None:
    found = trades("gamma_pin_day", seed)
    full = [trade for trade in found if trade.happened == LADDER]
    assert {trade.symbol for trade in full} >= {"SPX", "SPY"}
    assert len(full) >= 4
    for trade in full:
        assert trade.times[-1] - trade.opened_at > timedelta(minutes=20)
        assert trade.high > trade.entry * 2


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(6))
def test_demo_day_shows_a_whole_trade_in_its_first_half_hour_and_a_loser_later(seed: int) -> None:
    found = trades("demo", seed)
    first = next(trade for trade in found if trade.symbol == "SPY")
    start = load_scenario("demo").starts()
    assert first.opened_at - start < timedelta(minutes=7)
    assert first.happened == LADDER
    assert first.times[-1] - start < timedelta(minutes=38)
    assert any(trade.happened[-1] == "stop" for trade in found)
    assert len(found) >= 4


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(6))
def test_loser_day_hits_its_stops(seed: int) -> None:
    assert sum(trade.happened[-1] == "stop" for trade in trades("loser_day", seed)) >= 2


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(6))
def test_quiet_day_has_no_trade_and_a_reason_of_its_own_for_every_symbol(seed: int) -> None:
    day = trade_day(build_market(load_scenario("quiet_day"), seed))
    assert day.trades == []
    assert set(day.reasons["SPY"]) == {"not near"}
    assert day.reasons["SPX"]["wide spread"] > 50
    assert set(day.reasons["QQQ"]) == {"neutral book"}
    assert day.reasons["IWM"]["thin"] > 50


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(6))
def test_half_day_leaves_a_trade_for_the_clock(seed: int) -> None:
    found = trades("half_day", seed)
    by_clock = [trade for trade in found if trade.happened == ["time"]]
    assert by_clock
    market = build_market(load_scenario("half_day"), seed)
    for trade in found:
        assert trade.opened_at < market.session_close() - timedelta(minutes=30)
        assert trade.times[-1] <= market.session_close() - timedelta(minutes=10)


# ---- whatever a file says


ALL = tuple(path.read_text(encoding="utf-8") for path in SCENARIO_FOLDER.glob("*.yaml"))
STRANGE = st.sampled_from(
    ["\x1b[2J", "\u202e", "hunter2 token=abcdefgh1234", ".inf", ".nan", "-1", "1e300", "9" * 5000, "[" * 500, "&a [*a]",
     "", "null", "2026-13-45", "25:61", "{a: 1}", "x" * 30_000, "\t", "!!python/object:os.system", "SPY: {", "? [a]: b"]
)  # fmt: skip


@settings(max_examples=examples(60), deadline=None)
@given(st.sampled_from(ALL), st.integers(0, 10_000), STRANGE | st.text(max_size=40))
def test_any_words_in_a_file_are_taken_or_refused_in_words(text: str, where: int, said: str) -> None:
    lines = text.split("\n")
    line = lines[where % len(lines)]
    lines[where % len(lines)] = f"{line.partition(':')[0]}: {said}"
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "strange.yaml"
        path.write_bytes("\n".join(lines).encode("utf-8", "surrogatepass"))
        words = taken_or_refused(path)
        assert all(each.isprintable() for each in words.split("\n"))
        assert len(words) < 30_000


def taken_or_refused(path: Path) -> str:
    """Return the words of a scenario that others will see, or of its refusal."""
    try:
        scenario = load_scenario(path)
    except ScenarioError as error:
        return str(error)
    return "\n".join((scenario.name, scenario.description, *scenario.symbols))


NAMES = "abcdefghi"
GROWS = "\n".join(
    ["a: &a [x, x, x, x, x, x, x, x, x]"] + [f"{b}: &{b} [{', '.join(['*' + a] * 9)}]" for a, b in pairwise(NAMES)]
)
ENDLESS = (GROWS, "a: &a [*a]", "x" * 2_000_000, "[" * 100_000, "a: " + "9" * 900_000)


@pytest.mark.parametrize("text", ENDLESS, ids=["grows", "itself", "large", "deep", "digits"])
def test_a_file_that_grows_or_never_ends_is_refused_at_once(tmp_path: Path, text: str) -> None:
    path = tmp_path / "large.yaml"
    path.write_text(text, encoding="utf-8")
    with measured() as work, pytest.raises(ScenarioError):
        load_scenario(path)
    assert work.units < 300  # a hundred thousand lists in each other: 50
    for name in ("bot.yaml", "strategies.yaml"):
        (tmp_path / "config").mkdir(exist_ok=True)
        (tmp_path / "config" / name).write_text(text, encoding="utf-8")
        with pytest.raises(ConfigError):
            load(tmp_path, {}, {})
        (tmp_path / "config" / name).unlink()


@pytest.mark.parametrize("name", ["x" * 5000, "a\0b", "\x1b[2J", "no/such", "."])
def test_a_name_that_is_none_is_refused_in_words(name: str) -> None:
    with pytest.raises(ScenarioError) as refused:
        load_scenario(name)
    assert str(refused.value).isprintable()
    assert len(str(refused.value)) < 1000


def test_a_scenario_says_who_is_asked_and_how_fast_the_day_goes() -> None:
    asked, other = load_scenario("asked"), load_scenario("demo")
    assert asked.settings_of_the_day(Settings()).approval.mode is ApprovalMode.MANUAL
    assert asked.speed == 2
    lived = other.settings_of_the_day(Settings())
    assert lived == Settings().model_copy(update={"strategies": lived.strategies})


def test_strategies_look_at_what_a_day_has_options_on_and_the_others_rest() -> None:
    """A venue that lists no option of a stock is not asked for its chain again and again."""
    sections = load_scenario("quiet_day").settings_of_the_day(Settings()).strategies.sections()
    assert sections["swing"].symbols == ("SPY", "QQQ")
    assert sections["one_dte_positioning"].symbols == ("SPY", "QQQ", "IWM")
    assert {name for name, each in sections.items() if not each.enabled} == {
        "high_iv_14d", "directional_14d", "unusual_14d",
    }  # fmt: skip
