"""The desk: one question to the model, its answer checked, its call told to the bot. Whatever fails, the rules' text
stands, and a person is told once that the model is silent and once that it is back.

After a failure the model is left alone for a while that grows, so that a vendor's bad hour costs nothing and no review
waits for it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from typing import Any, Final

from bot.config.overseer import OverseerSettings
from bot.domain.overseer import ALERTING, Action, Answered, ModelTask
from bot.overseer.answers import ModelJudgement, NoAnswer, read_answer
from bot.overseer.budget import Budget
from bot.overseer.figures import invented
from bot.overseer.model import LanguageModel, ModelSaid
from bot.overseer.prompts import Prompt, Quoted, prompt_of
from bot.overseer.telling import Teller, alert
from bot.overseer.texts import rule_text

FIRST_PAUSE_S: Final = 15.0
LONGEST_PAUSE_S: Final = 600.0


@dataclass(frozen=True, slots=True)
class ModelQuestion:
    """What the model is asked. `subject` is what it is about; `about` goes onto the record beside the verdict."""

    task: ModelTask
    subject: str
    facts: Mapping[str, Any]
    quoted: Sequence[Quoted] = ()
    about: Mapping[str, Any] | None = None
    within_s: float | None = None  # wall seconds; None: as the settings have it


@dataclass(frozen=True, slots=True)
class ModelReply:
    """What stands: the model's judgement, or the rules' text and nothing else."""

    answered: Answered
    judgement: ModelJudgement


class OverseerDesk:
    """Asks one model within one budget. Without a model nobody is asked, and the rules' texts stand."""

    def __init__(
        self,
        settings: OverseerSettings,
        model: LanguageModel | None,
        teller: Teller,
        *,
        steady_s: Callable[[], float],
    ) -> None:
        self._settings, self._model, self._teller, self._steady_s = settings, model, teller, steady_s
        self._budget = Budget(settings.budget_usd)
        self._failures = 0
        self._silent_told = False
        self._today: date | None = None
        self._spent_told: date | None = None
        self._leave_alone_until = float("-inf")
        self._room = asyncio.Semaphore(2)  # a review never waits behind a long text

    def begin(self, day: date, stored_usd: Decimal) -> None:
        """Take note of the day and of what it cost so far."""
        self._budget.begin(day, stored_usd)
        self._today = day

    async def ask(self, question: ModelQuestion) -> ModelReply:
        """Ask, check and tell. What comes back is what was told."""
        prompt = prompt_of(question.task, question.facts, question.quoted)
        said = await self._said(question, prompt)
        reply, said = self._judged(question, said)
        await self._tell(question, prompt, said, reply)
        await self._watch_over(said)
        return reply

    # ---- asking

    async def _said(self, question: ModelQuestion, prompt: Prompt) -> ModelSaid:
        settings, model = self._settings, self._model
        if not settings.model:
            return ModelSaid(Answered.RULES)
        if model is None:
            known = settings.model in settings.models
            return ModelSaid(Answered.NO_KEY, why="ANTHROPIC_API_KEY is not set") if known else ModelSaid(
                Answered.UNAVAILABLE, why=f"overseer.models has no {settings.model}"
            )  # fmt: skip
        if self._steady_s() < self._leave_alone_until:
            return ModelSaid(Answered.RULES, why="the model failed a moment ago")
        cap = settings.caps[question.task]
        reserve = model.most_micros(prompt, cap)
        if not self._budget.reserve(reserve):
            return ModelSaid(Answered.BUDGET, why=f"the day's {settings.budget_usd} USD are spent")
        cost = reserve
        try:
            async with self._room:
                said = await model.ask(prompt, cap, question.within_s or settings.timeout_wall_s)
            cost = said.cost_micros
        finally:
            self._budget.settle(reserve, cost)
        return said

    def _judged(self, question: ModelQuestion, said: ModelSaid) -> tuple[ModelReply, ModelSaid]:
        """Return what stands of an answer; the call as it has to be told."""
        ours = ModelJudgement(rule_text(question.task, question.facts))
        if said.answered is not Answered.ANSWERED:
            return ModelReply(said.answered, ours), said
        try:
            found = read_answer(question.task, said.text, self._settings.caps[question.task])
        except NoAnswer as no_answer:
            said = replace(said, answered=Answered.MALFORMED, why=str(no_answer))
            return ModelReply(Answered.MALFORMED, ours), said
        names = set(_paths(question.facts))
        meant = ((fact.removeprefix("facts."), words) for fact, words in found.findings)
        found = replace(found, findings=tuple((fact, words) for fact, words in meant if fact in names))
        if wrong := invented(" ".join((found.text, *(words for _, words in found.findings))), question.facts):
            why = f"figures in no fact: {', '.join(wrong[:5])}"
            return ModelReply(Answered.REPLACED, replace(found, text=ours.text, findings=())), replace(
                said, answered=Answered.REPLACED, why=why
            )
        return ModelReply(Answered.ANSWERED, found), said

    # ---- telling

    async def _tell(self, question: ModelQuestion, prompt: Prompt, said: ModelSaid, reply: ModelReply) -> None:
        found = reply.judgement
        asked = said.cost_micros or said.ms or said.answered in {Answered.ANSWERED, Answered.REPLACED}
        payload: dict[str, Any] = {
            "task": question.task.value,
            "subject": question.subject,
            "model": self._settings.model if asked else "",
            "prompt_hash": prompt.hash,
            "tokens_in": said.tokens_in,
            "tokens_out": said.tokens_out,
            "cost_micros": said.cost_micros,
            "ms": said.ms,
            "answered": said.answered.value,
            "severity": found.severity,
            "action": found.action.value,
            "text": found.text,
            "reason": found.text if found.action is not Action.NONE else "",
            "scale": found.scale,
            "spacing_s": found.spacing_s,
            "lasts_s": found.lasts_s,
            "verdict": {
                **(question.about or {}),
                "findings": [{"fact": fact, "words": words} for fact, words in found.findings],
                "why": said.why,
            },
        }
        await self._teller.tell("verdict", payload)

    async def _watch_over(self, said: ModelSaid) -> None:
        """Tell once that the model is silent, once that it is back, once a day that its budget is spent."""
        if said.answered is Answered.BUDGET and self._spent_told != self._today:
            self._spent_told = self._today
            words = f"{said.why}: until tomorrow the rules' texts stand"
            await alert("OVERSEER_BUDGET_SPENT", words, self._teller, entity="model")
        if said.answered in ALERTING:
            self._failures += 1
            pause = min(FIRST_PAUSE_S * 2 ** min(self._failures - 1, 10), LONGEST_PAUSE_S)
            self._leave_alone_until = self._steady_s() + pause
            if not self._silent_told:
                self._silent_told = True
                words = f"the model {self._settings.model} is of no use ({said.answered}: {said.why})"
                await alert("OVERSEER_MODEL_SILENT", words, self._teller, entity="model")
        elif said.answered in {Answered.ANSWERED, Answered.REPLACED}:
            self._failures, self._leave_alone_until = 0, float("-inf")
            if self._silent_told:
                self._silent_told = False
                await alert("OVERSEER_MODEL_BACK", "the model answers again", self._teller, entity="model")


def _paths(facts: Any, at: str = "") -> Sequence[str]:
    """Return the name of every fact, dotted inside of others."""
    if not isinstance(facts, Mapping):
        return [at] if at else []
    found = [at] if at else []
    for name, value in facts.items():
        found += _paths(value, f"{at}.{name}" if at else str(name))
    return found
