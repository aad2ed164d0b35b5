"""The whole tree of settings, any value at any place: taken, or refused in words; what is taken runs a simulated minute
without a fault."""

from __future__ import annotations

import asyncio
import json
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st
from pydantic import BaseModel

from bot.config.doubts import doubts
from bot.config.loader import LoadedConfig, load, validate_section
from bot.config.schema import Settings
from bot.domain.errors import ConfigError
from bot.feeds.sources import DataSources, SourceSettings
from tests.config.minute import live_a_minute
from tests.examples import examples


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


@settings(max_examples=examples(150), deadline=None)
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


# ---- what is taken, lived


def numbers(rule: dict[str, Any]) -> st.SearchStrategy[str]:
    """Return numbers within a rule's bounds, its edges above all: where it has none, as far as a number goes."""
    whole = rule["type"] == "integer"
    least = rule.get("minimum", rule.get("exclusiveMinimum", -1e9))
    most = rule.get("maximum", rule.get("exclusiveMaximum", 10**30 if whole else 1e300))
    edges = [least, most, least + 1, *([] if whole else [least + 1e-9, least + 1e-300, most * 0.999])]
    usual = [value for value in (0, 0.02, 0.5, 1, 3, 20, 60, 300, 10_000, 1e7, 1e12) if least <= value <= most]
    return st.sampled_from(edges + ([int(value) for value in usual] if whole else usual)).map(str)


def values(rule: dict[str, Any], known: dict[str, Any]) -> st.SearchStrategy[str]:
    """Return texts that a schema's rule mostly takes."""
    if "anyOf" in rule:
        plain = [each for each in rule["anyOf"] if each.get("type") in {"number", "integer"} or "items" in each]
        return values(plain[0], known) if plain else st.sampled_from(KNOWN_WORDS)
    if "$ref" in rule:
        return values(known[rule["$ref"].rpartition("/")[2]], known)
    if "enum" in rule:
        return st.sampled_from([str(each) for each in rule["enum"]])
    if rule["type"] in {"integer", "number"}:
        return numbers(rule)
    if rule["type"] == "boolean":
        return st.sampled_from(["true", "false"])
    if rule.get("format") == "time":
        return st.times().map(lambda at: f'"{at:%H:%M}"') | st.sampled_from(
            ['"09:31"', '"10:00"', '"15:59"', '"16:00"']
        )
    if "items" in rule:
        items = known[rule["items"]["$ref"].rpartition("/")[2]] if "$ref" in rule["items"] else rule["items"]
        return st.lists(values(items, known), max_size=4).map(lambda each: f"[{', '.join(each)}]")
    if "properties" in rule:
        fields = {name: values(each, known) for name, each in rule["properties"].items()}
        return st.fixed_dictionaries(fields).map(
            lambda each: "{" + ", ".join(f"{k}: {v}" for k, v in each.items()) + "}"
        )
    return st.sampled_from(KNOWN_WORDS)


KNOWN_WORDS = [
    "",
    "SPY",
    "SPX",
    "[SPY]",
    "{SPX: SPY}",
    "2026-11-20",
    "2026-11-27",
    '{2026-11-20: "10:00"}',
    "ab1",
    "/b",
]


def rules(
    schema: dict[str, Any], known: dict[str, Any], at: tuple[str, ...] = ()
) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield each leaf of a schema: its dotted place and its rule."""
    for name, rule in schema["properties"].items():
        inner = known[rule["$ref"].rpartition("/")[2]] if "$ref" in rule else rule
        if "properties" in inner:
            yield from rules(inner, known, (*at, name))
        else:
            yield ".".join((*at, name)), inner


def tree_of(model: type[BaseModel], prefix: tuple[str, ...] = ()) -> dict[str, st.SearchStrategy[str]]:
    schema = model.model_json_schema()
    known = schema.get("$defs", {})
    return {place: values(rule, known) for place, rule in rules(schema, known, prefix)}


TREE = {**tree_of(Settings), **tree_of(SourceSettings, ("sources", "unusual_whales"))}
ELSEWHERE = {"database.url", "engine.dead_man_file", "engine.kill_switch_file", "sources.unusual_whales.endpoints"}
PLACES = sorted(TREE.keys() - ELSEWHERE)
SEVERAL = st.lists(st.sampled_from(PLACES), min_size=1, max_size=3, unique=True).flatmap(
    lambda places: st.fixed_dictionaries({place: TREE[place] for place in places})
)


def accepted(said: dict[str, str]) -> LoadedConfig | None:
    environ = {"QUANTICITY__" + key.upper().replace(".", "__"): value for key, value in said.items()}
    with tempfile.TemporaryDirectory() as root:
        config = taken_or_refused(Path(root), environ)
        if isinstance(config, str):
            return None
        try:
            validate_section(config.sources_tree, "sources", DataSources)
        except ConfigError:
            return None
        return config


async def test_the_minute_of_the_defaults_has_a_proposal_a_fill_and_a_stop() -> None:
    config = accepted({})
    assert config is not None
    lived = await live_a_minute(config)
    assert lived.broken == []
    assert min(lived.signals, lived.bought, lived.stopped) > 0


@settings(max_examples=examples(15), deadline=None, suppress_health_check=list(HealthCheck))
@given(SEVERAL)
def test_what_is_accepted_runs_a_simulated_minute_without_a_fault(said: dict[str, str]) -> None:
    config = accepted(said)
    if config is None:
        event("refused")
        return
    lived = asyncio.run(live_a_minute(config))
    event(f"bought: {lived.bought > 0}, stopped: {lived.stopped > 0}")
    assert lived.broken == []
