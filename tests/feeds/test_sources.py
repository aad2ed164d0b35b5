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


def test_the_file_that_comes_with_the_bot_is_valid_and_has_the_five(written: dict[str, Any]) -> None:
    sources = DataSources.model_validate(written)
    names = {dataset.name for dataset in sources.root["unusual_whales"].endpoints}
    assert names == {
        sets.SPOT_GEX,
        sets.GEX_BY_STRIKE,
        sets.OPTION_CONTRACTS,
        sets.NET_PREMIUM,
        sets.FLOW_ALERTS,
    }
    assert all(dataset.max_age_s > dataset.interval_s for dataset in sources.root["unusual_whales"].endpoints)


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
