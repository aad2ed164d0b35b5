"""What a model answered, read as a stranger's word: every part has its type and bounds, or the whole is no answer."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from bot.domain.notices import INFO, SEVERITIES
from bot.domain.outside import outside
from bot.domain.overseer import Action, ModelTask
from bot.overseer.prompts import JUDGING

_MOST_FINDINGS: Final = 20
_LONGEST_TEXT: Final = 2_000
_LETTERS_A_TOKEN: Final = 3.0
"""Fewer than a token of plain English has: an answer that is longer than its cap by this count is too long."""
_SENTENCE_END: Final = re.compile(r"[.!?](?:\s|$)")
SENTENCES: Final[Mapping[ModelTask, int]] = {ModelTask.EXPLANATION: 3}
"""The most sentences of a task's text; any other has its cap of tokens alone."""


class NoAnswer(ValueError):
    """The model's words are no answer to what was asked."""


@dataclass(frozen=True, slots=True)
class ModelJudgement:
    """An answer as it was understood. `findings`: the fact that each names, and its words."""

    text: str
    severity: str = INFO
    action: Action = Action.NONE
    findings: tuple[tuple[str, str], ...] = ()
    scale: float | None = None
    spacing_s: float | None = None
    lasts_s: float | None = None


def read_answer(task: ModelTask, said: str, cap: int) -> ModelJudgement:
    """Read the JSON of an answer; raises NoAnswer."""
    try:
        found = json.loads(said)
    except (ValueError, RecursionError) as error:
        raise NoAnswer(f"no JSON: {error}") from error
    if not isinstance(found, dict):
        raise NoAnswer("no JSON object")
    text = _text(found, task, cap)
    if task not in JUDGING:
        return ModelJudgement(text)
    return ModelJudgement(
        text,
        _word(found, "severity", SEVERITIES),
        Action(_word(found, "action", tuple(Action))),
        _findings(found.get("findings")),
        _number(found, "scale"),
        _number(found, "spacing_s"),
        _number(found, "lasts_s"),
    )


def _text(found: Mapping[str, Any], task: ModelTask, cap: int) -> str:
    said = found.get("text")
    if not isinstance(said, str) or not said.strip():
        raise NoAnswer("text is missing")
    text = outside(" ".join(said.split()), _LONGEST_TEXT)
    if len(text) > cap * _LETTERS_A_TOKEN * 2:
        raise NoAnswer(f"text is longer than {cap} tokens")
    most = SENTENCES.get(task)
    if most is not None and len(_SENTENCE_END.findall(text)) > most:
        raise NoAnswer(f"text has more than {most} sentences")
    return text


def _word(found: Mapping[str, Any], name: str, allowed: tuple[str, ...]) -> str:
    said = found.get(name)
    if not isinstance(said, str) or said not in allowed:
        raise NoAnswer(f"{name} is none of {', '.join(allowed)}")
    return said


def _findings(said: object) -> tuple[tuple[str, str], ...]:
    if not isinstance(said, list) or len(said) > _MOST_FINDINGS:
        raise NoAnswer("findings are no list, or too long a one")
    found = []
    for each in said:
        fact, words = (each.get("fact"), each.get("words")) if isinstance(each, dict) else (None, None)
        if not isinstance(fact, str) or not isinstance(words, str):
            raise NoAnswer("a finding names its fact and has words")
        found.append((outside(fact, 120), outside(words, 300)))
    return tuple(found)


def _number(found: Mapping[str, Any], name: str) -> float | None:
    said = found.get(name)
    if said is None:
        return None
    if isinstance(said, bool) or not isinstance(said, int | float):
        raise NoAnswer(f"{name} is no number")
    return float(said) if abs(said) <= 1e12 else None
