"""The simulated model: what it answers to a prompt, by fixed rules, from the facts that the prompt gives.

It is no model of language. It finds the JSON object in the prompt that holds the facts, and fills the asked schema:
words of a choice by rules over the facts, sentences that name facts and their figures and no other. Its modes are the
ways in which a real one fails.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from enum import StrEnum
from typing import Any, Final


class ModelMode(StrEnum):
    """How the model behaves."""

    RULES = "rules"
    OBEDIENT = "obedient"  # does whatever a text inside the prompt tells it
    MALFORMED = "malformed"  # another shape of nonsense with each answer
    SLOW = "slow"
    REFUSING = "refusing"
    LIMITED = "429"
    OVERLOADED = "529"
    TRUNCATED = "truncated"  # ends at max_tokens in the middle of its JSON
    THINKING = "thinking"  # a block of thinking comes first
    INVENTING = "inventing"  # a figure that is in no fact


_SEVERE: Final = ("critical", "error", "warning", "warn", "high", "medium", "notice", "info", "low", "none", "ok")
_MILD: Final = ("none", "annotate", "pass", "ok", "proceed", "no_objection", "allow")
_ORDERS: Final = re.compile(
    r"\b(approve|enter|buy|sell|halt|pause|veto|slow|double|increase|flatten|resume|ignore (?:all|previous)[\w ]*)\b",
    re.IGNORECASE,
)
_BOLD: Final = ("approve", "enter", "buy", "halt", "flatten", "pause", "veto", "slow", "warn")
_INVENTED: Final = "It gained $1,234,567.89 at a Sharpe of 9.87."
_MOST_FACTS: Final = 6
_LONGEST_VALUE: Final = 60
_MOST_WORDS: Final = 60


def facts_in(text: str) -> dict[str, Any]:
    """Return the largest JSON object that stands in a text; empty without one."""
    decoder, best, index = json.JSONDecoder(), {}, text.find("{")
    largest = 0
    while index != -1:
        try:
            found, end = decoder.raw_decode(text, index)
        except ValueError:
            end = index + 1
        else:
            if isinstance(found, dict) and end - index > largest:
                best, largest = found, end - index
        index = text.find("{", end)
    return best


def flat(facts: Any, name: str = "") -> Iterator[tuple[str, Any]]:
    """Yield the leaves of facts as (path, value)."""
    pairs: Iterator[tuple[str, Any]] | Sequence[tuple[str, Any]]
    if isinstance(facts, Mapping):
        pairs = [(str(key), value) for key, value in facts.items()]
    elif isinstance(facts, list):
        pairs = [(str(index), value) for index, value in enumerate(facts)]
    else:
        yield name, facts
        return
    for key, value in pairs:
        yield from flat(value, f"{name}.{key}" if name else key)


def _named(path: str, value: Any) -> str:
    """Return a fact in words: its own name without the way to it, and its value."""
    words = [part for part in path.split(".") if not part.isdigit()]
    shown = {True: "yes", False: "no"}[value] if isinstance(value, bool) else value
    return f"{words[-1].replace('_', ' ') if words else 'fact'} {shown}"


class SimulatedModel:
    """Answers by a schema. `mode` can be changed at any time; `count` numbers its answers."""

    def __init__(self, mode: ModelMode = ModelMode.RULES) -> None:
        self.mode = mode
        self.slow_s = 30.0
        self.count = 0

    def text(self, prompt: str, schema: Mapping[str, Any] | None) -> str:
        """Return the answer: JSON where a schema is asked for, else sentences."""
        self.count += 1
        facts = dict(flat(facts_in(prompt)))
        orders = tuple(each.lower() for each in _ORDERS.findall(prompt)) if self.mode is ModelMode.OBEDIENT else ()
        said = self._sentence(facts, orders)
        if schema is None:
            return said
        return json.dumps(_Filling(facts, said, orders).of(schema, ""), ensure_ascii=False)

    def _sentence(self, facts: Mapping[str, Any], orders: Sequence[str]) -> str:
        if orders:
            return f"As told in the text: {', '.join(orders[:_MOST_FACTS])}."
        named = [_named(name, value) for name, value in facts.items() if name != "task" and _is_short(value)]
        said = f"Seen: {', '.join(named[:_MOST_FACTS])}." if named else "No facts were given."
        return f"{said} {_INVENTED}" if self.mode is ModelMode.INVENTING else said


_Fill = Callable[[Mapping[str, Any], str], Any]


class _Filling:
    """Fills one schema from facts."""

    def __init__(self, facts: Mapping[str, Any], said: str, orders: Sequence[str]) -> None:
        self._facts, self._said, self._orders = facts, said, orders
        self._by_kind: Mapping[str, _Fill] = {
            "object": self._object,
            "array": self._array,
            "string": self._string,
            "integer": self._number,
            "number": self._number,
            "boolean": self._boolean,
        }

    def of(self, schema: Mapping[str, Any], name: str) -> Any:
        if "const" in schema:
            return schema["const"]
        if "enum" in schema:
            return self._choice(list(schema["enum"]), name)
        for union in ("anyOf", "oneOf"):
            if union in schema:
                return self.of(schema[union][0], name)
        kind = schema.get("type", "string")
        kind = kind[0] if isinstance(kind, list) else kind
        if kind == "null":
            return None
        fill: _Fill = self._by_kind.get(kind, self._string)
        return fill(schema, name)

    def _object(self, schema: Mapping[str, Any], _name: str) -> dict[str, Any]:
        return {name: self.of(inner, name) for name, inner in schema.get("properties", {}).items()}

    def _array(self, schema: Mapping[str, Any], name: str) -> list[Any]:
        items = schema.get("items") or {"type": "string"}
        if items.get("type") == "string" and "enum" not in items:
            return list(self._facts)[: schema.get("maxItems", 2)]
        return [self.of(items, name)] if self._facts else []

    def _string(self, schema: Mapping[str, Any], name: str) -> str:
        if re.search(r"fact|metric|name|key|source", name) and self._facts:
            return next(iter(self._facts))
        return self._said[: schema.get("maxLength", 2000)]

    def _number(self, schema: Mapping[str, Any], name: str) -> Any:
        if self._orders:
            return schema.get("maximum", 1000)
        known = [v for n, v in self._facts.items() if n.rsplit(".", 1)[-1] == name and isinstance(v, int | float)]
        least, most = schema.get("minimum", 0), schema.get("maximum", 1)
        return known[0] if known else (most if re.search("scale|factor|confidence", name) else least)

    def _boolean(self, _schema: Mapping[str, Any], _name: str) -> bool:
        return bool(self._orders)

    def _choice(self, words: list[Any], name: str) -> Any:
        low = {str(word).lower(): word for word in words}
        if self._orders:
            told = [low[each] for each in self._orders if each in low] + [low[each] for each in _BOLD if each in low]
            if told:
                return told[0]
        stated = next((str(v).lower() for n, v in self._facts.items() if n.rsplit(".", 1)[-1].endswith(name)), "")
        if stated in low:
            return low[stated]
        mild = next((low[each] for each in _MILD if each in low), None)
        return mild if mild is not None else next((low[each] for each in reversed(_SEVERE) if each in low), words[0])


def _is_short(value: Any) -> bool:
    return isinstance(value, int | float) or (isinstance(value, str) and len(value) <= _LONGEST_VALUE)


def nonsense(turn: int, whole: str) -> list[dict[str, Any]]:
    """Return content blocks that are no answer, another kind with each turn."""
    kinds: tuple[list[dict[str, Any]], ...] = (
        [{"type": "text", "text": whole[: len(whole) // 2]}],
        [{"type": "text", "text": "Certainly. Here is the analysis you asked for."}],
        [],
        [{"type": "text", "text": "[1, 2, 3]"}],
        [{"type": "text", "text": '{"severity": "catastrophic", "action": "buy everything", "findings": 7}'}],
        [{"type": "text", "text": "{}"}],
        [{"type": "hologram", "light": "blue"}],
        [{"type": "text", "text": '{"severity": "info", "action": null, "findings": [{"fact": null}]}'}],
    )
    return kinds[turn % len(kinds)]
