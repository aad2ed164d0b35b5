"""The whole tree of settings, any value at any place: taken, or refused in words; nothing else happens."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import BaseModel

from bot.config.doubts import doubts
from bot.config.loader import LoadedConfig, load
from bot.config.schema import Settings
from bot.domain.errors import ConfigError


def leaves(model: type[BaseModel], at: tuple[str, ...] = ()) -> Iterator[str]:
    for name, info in model.model_fields.items():
        if isinstance(info.annotation, type) and issubclass(info.annotation, BaseModel):
            yield from leaves(info.annotation, (*at, name))
        else:
            yield ".".join((*at, name))


SAID = (
    st.sampled_from(["", "0", "-1", "1", "1e9", "1e999999999", "nan", ".inf", "._", "9" * 5000, "yes", "null", "[]"])
    | st.sampled_from(["15:50-05:00", "15:50Z", "24:00", "950", "2026-12-04", "SPY", "spy", "[SPY, SPY]", "{SPY: SPY}"])
    | st.sampled_from(["~/x", "~nobody-here/x", "a b/c#d?e%f", "\x1b[2J", "\u202e"])
    | st.sampled_from(["https://me:pw@h/x", "&a [*a]", "{" * 300])
    | st.integers().map(str)
    | st.floats().map(str)
    | st.times().map(str)
    | st.text(st.characters(blacklist_characters="\0", blacklist_categories=["Cs"]), max_size=30)
)  # fmt: skip


def taken_or_refused(root: Path, environ: dict[str, Any]) -> LoadedConfig | str:
    try:
        return load(root, {}, environ)
    except ConfigError as error:
        return str(error)


@settings(max_examples=300, deadline=None)
@given(st.dictionaries(st.sampled_from(sorted(leaves(Settings))), SAID, min_size=1, max_size=3))
def test_any_value_anywhere_is_taken_or_refused_in_words(said: dict[str, str]) -> None:
    environ: dict[str, Any] = {"QUANTICITY__" + key.upper().replace(".", "__"): value for key, value in said.items()}
    with tempfile.TemporaryDirectory() as root:
        config = taken_or_refused(Path(root), environ)
        if isinstance(config, str):
            assert all(line.isprintable() for line in config.split("\n"))
            assert len(config) < 20_000
            return
        assert all(isinstance(each, str) for each in doubts(config.settings, config.sources_tree))
        assert json.loads(config.text)
        assert Path(config.settings.engine.kill_switch_file or "/").is_absolute()
