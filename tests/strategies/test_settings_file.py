"""`config/strategies.yaml` is the documentation of every setting: it names all of them, at their defaults."""

from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel

from bot.config.ideas.together import StrategiesSettings

FILE = Path(__file__).resolve().parents[2] / "config" / "strategies.yaml"


def written() -> dict[str, Any]:
    read: dict[str, Any] = yaml.safe_load(FILE.read_text(encoding="utf-8"))
    return read


def missing_keys(model: type[BaseModel], part: dict[str, Any], where: str = "") -> list[str]:
    missing = []
    for name, info in model.model_fields.items():
        if name not in part:
            missing.append(where + name)
        elif isinstance(info.annotation, type) and issubclass(info.annotation, BaseModel):
            missing += missing_keys(info.annotation, part[name], f"{where}{name}.")
    return missing


def test_every_setting_is_named() -> None:
    assert missing_keys(StrategiesSettings, written()) == []


def test_every_value_is_the_default() -> None:
    assert StrategiesSettings.model_validate(written()) == StrategiesSettings()
