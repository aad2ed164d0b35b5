"""What the model is told: the house's preface and the task's own words from `templates/prompts`, and one JSON object of
facts. Texts of strangers stand in it as quoted data, marked as such, bounded and made visible."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final

from bot.domain.outside import outside
from bot.domain.overseer import Action, ModelTask

PROMPTS: Final = Path(__file__).resolve().parents[2] / "templates" / "prompts"
HASH_DIGITS: Final = 12
_MOST_QUOTED: Final = 20
_LONGEST_QUOTED: Final = 300
_MOST_JSON: Final = 40_000


@dataclass(frozen=True, slots=True)
class Quoted:
    """A text that a stranger wrote: where it is from, and what it says."""

    source: str
    text: str


@dataclass(frozen=True, slots=True)
class Prompt:
    """What goes out for one call. `hash` names the words that we wrote, not the facts."""

    task: ModelTask
    system: str
    content: str
    schema: Mapping[str, Any]
    hash: str


def prompt_of(task: ModelTask, facts: Mapping[str, Any], quoted: Sequence[Quoted] = ()) -> Prompt:
    """Return the prompt of a task."""
    system = _words(task)
    given = {
        "task": task.value,
        "facts": facts,
        "quoted": [
            {"source": outside(each.source, 60), "text": outside(each.text, _LONGEST_QUOTED)}
            for each in quoted[:_MOST_QUOTED]
        ],
    }
    content = json.dumps(given, ensure_ascii=False, default=str, sort_keys=False)[:_MOST_JSON]
    return Prompt(task, system, content, schema_of(task), hashlib.sha256(system.encode()).hexdigest()[:HASH_DIGITS])


@cache
def _words(task: ModelTask) -> str:
    house, own = (PROMPTS / f"{name}.txt" for name in ("house", task.value))
    return f"{house.read_text(encoding='utf-8')}\n{own.read_text(encoding='utf-8')}".strip()


def _whole(properties: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "type": "object", "properties": dict(properties), "required": list(properties), "additionalProperties": False,
    }  # fmt: skip


_TEXT: Final = {"text": {"type": "string"}}
_NUMBER: Final = {"type": ["number", "null"]}
_JUDGEMENT: Final = {
    "severity": {"type": "string", "enum": ["info", "warning", "critical"]},
    "findings": {
        "type": "array",
        "items": _whole({"fact": {"type": "string"}, "words": {"type": "string"}}),
    },
    "action": {"type": "string", "enum": [action.value for action in Action]},
    "scale": _NUMBER,
    "spacing_s": _NUMBER,
    "lasts_s": _NUMBER,
    **_TEXT,
}
JUDGING: Final = frozenset({ModelTask.ANOMALY, ModelTask.REVIEW})
"""The tasks whose answer is a judgement; any other is a text alone."""


def schema_of(task: ModelTask) -> dict[str, Any]:
    """Return the JSON schema of a task's answer."""
    return _whole(_JUDGEMENT if task in JUDGING else _TEXT)
