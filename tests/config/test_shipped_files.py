"""The files that come with the program are the reference: they name every setting, with its default."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from pydantic import BaseModel

from bot.config.alerts import AlertSettings
from bot.config.ideas.together import StrategiesSettings
from bot.config.loader import load
from bot.config.overseer import OverseerSettings
from bot.config.schema import Settings
from bot.config.universe import UniverseSettings

ROOT = Path(__file__).resolve().parents[2]
CONFIG = ROOT / "config"


def settings_of(model: type[BaseModel], prefix: str = "") -> Iterator[str]:
    """Yield the dotted name of every setting that a schema has."""
    for name, info in model.model_fields.items():
        kind = info.annotation
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            yield from settings_of(kind, f"{prefix}{name}.")
        else:
            yield prefix + name


def named_in(tree: Any, prefix: str = "") -> Iterator[str]:
    for name, value in tree.items():
        yield prefix + name
        if isinstance(value, dict):
            yield from named_in(value, f"{prefix}{name}.")


OWN_FILES = ("strategies.", "overseer.", "alerts.", "universe.", "discovered.")  # the last: written by `discover`


@pytest.mark.parametrize(
    "name,model",
    [
        ("bot.yaml", Settings),
        ("strategies.yaml", StrategiesSettings),
        ("overseer.yaml", OverseerSettings),
        ("alerts.yaml", AlertSettings),
        ("universe.yaml", UniverseSettings),
    ],
)
def test_every_setting_is_named(name: str, model: type[BaseModel]) -> None:
    named = set(named_in(yaml.safe_load((CONFIG / name).read_text(encoding="utf-8"))))
    wanted = {key for key in settings_of(model) if model is not Settings or not key.startswith(OWN_FILES)}
    assert wanted - named == set()


def test_the_values_shown_are_the_defaults() -> None:
    data: Any = {
        "database": True,
        "sim": True,
        "engine": {"record_dir"},
        "universe": {"groups"},
        "discovered": True,
    }  # paths, own files
    shown = load(ROOT, environ={}).settings.model_dump(exclude=data)
    assert shown == Settings().model_dump(exclude=data)


def test_the_paths_shown_are_the_defaults() -> None:
    shown = yaml.safe_load((CONFIG / "bot.yaml").read_text(encoding="utf-8"))
    assert shown["database"] == Settings().database.model_dump()
    assert shown["sim"] == Settings().sim.model_dump()


def test_every_secret_is_in_the_example() -> None:
    from bot.config.secret_words import Secrets

    example = (ROOT / ".env.example").read_text(encoding="utf-8")
    assert [name for name in Secrets.variables() if f"{name}=" not in example] == []


def test_the_shipped_settings_written_out_whole_are_read_as_the_same() -> None:
    """Children are told their settings so: the people's process did not start when one default was no valid value."""
    settings = load(ROOT, environ={}).settings
    assert Settings.model_validate(settings.model_dump(mode="json")) == settings
