"""The table of datasets: the file that comes with the bot, and what it may not say."""

from pathlib import Path
from typing import Any

import pytest
import yaml
from pydantic import ValidationError

from bot.domain.data import sets
from bot.feeds.sources import DataSources, EndpointSettings, SourceSettings
from tests.conftest import REPO_ROOT
from tests.feeds.uw_site import PATHS, UW

GOOD = {"name": "spot_gex", "parser": "spot_gex", "interval_s": 60, "max_age_s": 180, **PATHS["spot_gex"]}


@pytest.fixture(scope="module")
def written() -> dict[str, Any]:
    return dict(yaml.safe_load(Path(REPO_ROOT, "config", "data_sources.yaml").read_text(encoding="utf-8")))


def shipped(written: dict[str, Any]) -> dict[str, EndpointSettings]:
    return {each.name: each for each in DataSources.model_validate(written).root["unusual_whales"].endpoints}


def test_the_file_that_comes_with_the_bot_has_every_set_whose_rows_have_types_and_more(written: dict[str, Any]) -> None:
    endpoints = shipped(written)
    typed = {value for name, value in vars(sets).items() if name.isupper() and isinstance(value, str)} - {"*"}
    assert {name for name, each in endpoints.items() if each.parser} == typed
    assert {name for name, each in endpoints.items() if each.reader} >= {"volatility_stats", "oi_per_strike"}
    assert all(each.parser in {"", name} for name, each in endpoints.items())
    assert all(each.max_age_s > each.interval_s for each in endpoints.values())
    assert all(endpoints[name].enabled for name in sets.DECIDED_ON)


INTERVALS = {
    "critical": {60: ("spot_gex", "gex_by_strike", "net_premium"), 15: ("flow_alerts",)},
    "important": {
        120: ("greek_flow", "flow_per_strike_intraday", "option_contracts"), 300: ("off_lit_levels", "dark_pool"),
    },
    "nice_to_have": {
        300: ("greek_exposure_by_strike", "greek_exposure_by_strike_expiry", "news"),
        900: ("max_pain", "iv_rank", "iv_term_structure", "risk_reversal_skew"),
    },
    "background": {
        3600: ("congress_trades", "insider_trades", "earnings_afterhours", "earnings_premarket", "economic_calendar"),
        86400: ("earnings_history", "fda_calendar"),
    },
}  # fmt: skip


@pytest.mark.parametrize("priority", INTERVALS)
def test_intervals_and_classes_are_those_that_the_product_ships_with(written: dict[str, Any], priority: str) -> None:
    endpoints = shipped(written)
    for interval_s, names in INTERVALS[priority].items():
        found = {(endpoints[name].priority, endpoints[name].interval_s) for name in names}
        assert found == {(priority, interval_s)}


def test_no_page_is_larger_than_the_vendor_gives(written: dict[str, Any]) -> None:
    """A limit above the most is answered with fifty rows, and the exposures need theirs said."""
    most = {"flow_alerts": 200, "news": 100, "congress_trades": 200, "fda_calendar": 200, "top_net_impact": 100}
    most |= {"earnings_afterhours": 100, "earnings_premarket": 100, "stock_bars": 2500}
    for name, each in shipped(written).items():
        assert int(str(each.params.get("limit", 1))) <= most.get(name, 500), name
        if each.path.startswith("/api/stock/{ticker}/spot-exposures/"):
            assert each.params["limit"] == 500, name


def test_the_file_names_every_setting_of_the_vendor(written: dict[str, Any]) -> None:
    assert set(written["unusual_whales"]) == set(SourceSettings.model_fields)


@pytest.mark.parametrize(
    "change, word",
    [
        ({"path": "/api/stock/{symbol}/x"}, "may stand in braces"),
        ({"path": "/api/stock/{ticker}/x/{last_n_days:0}"}, "may stand in braces"),
        ({"parser": ""}, "one of them"),
        ({"paging": {"most": 2}}, "needs a whole `limit`"),
        ({"daily_cost_cap": 1}, "needs cost_per_call"),
        ({"conditions": {"time_range": ["16:00", "09:30"]}}, "ends before it begins"),
        ({"cursor": "newer_than"}, "go together"),
        ({"interval_s": 0}, "greater than 0"),
        ({"pol_seconds": 5}, "Extra inputs"),
    ],
)
def test_a_dataset_that_cannot_work_is_refused(change: dict[str, Any], word: str) -> None:
    EndpointSettings(**GOOD)
    with pytest.raises(ValidationError, match=word):
        EndpointSettings(**{**GOOD, **change})


@pytest.mark.parametrize(
    "change",
    [
        {"endpoints": ({**GOOD, "parser": "astrology"},)},
        {"manners": "rude"},
        {"base_url": "api.unusualwhales.com"},
        {"base_url": "ftp://x"},
        {"symbols": ["spy"]},
        {"max_in_flight": 0},
    ],
)
def test_a_vendor_that_cannot_work_is_refused(change: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        SourceSettings(**{**UW, **change})


def test_two_datasets_of_one_name_are_refused() -> None:
    one = {"name": "spot_gex", "parser": "spot_gex", "interval_s": 60, "max_age_s": 180, **PATHS["spot_gex"]}
    with pytest.raises(ValidationError, match="same name"):
        SourceSettings(**{**UW, "endpoints": (one, one)})
