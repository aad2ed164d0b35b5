"""The table of datasets: the file that comes with the bot, and what it may not say."""

from pathlib import Path
from typing import Any

import pytest
import yaml
from pydantic import ValidationError

from bot.domain.data import sets
from bot.feeds.sources import DatasetSettings, DataSources, UwSettings
from tests.conftest import REPO_ROOT
from tests.feeds.uw_site import PATHS


@pytest.fixture(scope="module")
def written() -> dict[str, Any]:
    return dict(yaml.safe_load(Path(REPO_ROOT, "config", "data_sources.yaml").read_text(encoding="utf-8")))


def test_the_file_that_comes_with_the_bot_is_valid_and_has_the_five(written: dict[str, Any]) -> None:
    sources = DataSources.model_validate(written)
    names = {dataset.name for dataset in sources.unusual_whales.datasets}
    assert names == {
        sets.SPOT_GEX,
        sets.GEX_BY_STRIKE,
        sets.OPTION_CONTRACTS,
        sets.NET_PREMIUM,
        sets.FLOW_ALERTS,
    }
    assert all(dataset.max_age_seconds > dataset.poll_seconds for dataset in sources.unusual_whales.datasets)


def test_the_file_names_every_setting_of_the_vendor(written: dict[str, Any]) -> None:
    assert set(written["unusual_whales"]) == set(UwSettings.model_fields)


@pytest.mark.parametrize(
    "change, word",
    [
        ({"parser": "astrology"}, "one of"),
        ({"path": "/api/stock/{ticker}/x"}, "may stand in braces"),
        ({"path": "/api/stock/SPY/x"}, "needs {symbol}"),
        ({"scope": "market"}, "must not have it"),
        ({"max_pages": 2}, "needs a whole `limit`"),
        ({"cursor": "newer_than"}, "go together"),
        ({"poll_seconds": 0}, "greater than 0"),
        ({"pol_seconds": 5}, "Extra inputs"),
    ],
)
def test_a_dataset_that_cannot_work_is_refused(change: dict[str, Any], word: str) -> None:
    good = {"name": "spot_gex", "parser": "spot_gex", "poll_seconds": 60, "max_age_seconds": 180, **PATHS["spot_gex"]}
    DatasetSettings(**good)
    with pytest.raises(ValidationError, match=word):
        DatasetSettings(**{**good, **change})


@pytest.mark.parametrize(
    "change",
    [{"base_url": "api.unusualwhales.com"}, {"base_url": "ftp://x"}, {"symbols": ["spy"]}, {"max_in_flight": 0}],
)
def test_a_vendor_that_cannot_work_is_refused(change: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        UwSettings(**change)


def test_two_datasets_of_one_name_are_refused() -> None:
    one = {"name": "spot_gex", "parser": "spot_gex", "poll_seconds": 60, "max_age_seconds": 180, **PATHS["spot_gex"]}
    with pytest.raises(ValidationError, match="same name"):
        UwSettings(datasets=(one, one))  # type: ignore[arg-type]
