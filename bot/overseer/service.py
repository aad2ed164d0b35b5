"""The overseer's work in the child `people`: rules every so often, reviews at once, texts when there is cause.

A look that fails is told on the log and the next one comes: whatever the store, the model or a rule does, the loops
live, and nothing of them can reach the tick but the rows that they insert.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Any, Final, Protocol, TypeVar

from sqlalchemy import Connection

from bot.config.schema import Settings
from bot.config.secret_words import Secrets
from bot.domain.calendar import new_york_day
from bot.domain.notices import CRITICAL
from bot.domain.overseer import Answered, ModelTask
from bot.engine.state.ports import Clock
from bot.overseer import questions
from bot.overseer.desk import ModelQuestion, OverseerDesk
from bot.overseer.facts import Facts, facts_of
from bot.overseer.model import LanguageModel
from bot.overseer.model_process import ModelChild
from bot.overseer.rules import findings
from bot.overseer.watch import News, Watch
from bot.store import read as ask
from bot.store.read import overseer as store

log: Final = logging.getLogger("quanticity")

Answer = TypeVar("Answer")

_LEAST_WALL_S: Final = 0.5
"""However fast the bot's clock runs, the rules do not look more often than this."""
_REVIEWS_WALL_S: Final = 0.25
_TEXTS_WALL_S: Final = 2.0
_MARGIN_WALL_S: Final = 0.5
_LEAST_ANSWER_S: Final = 0.05
_EXPLAINED: Final = timedelta(hours=1)
_OUTCOMES: Final = timedelta(days=10)
_CONTEXT_EVERY: Final = timedelta(minutes=10)
_CONTEXTS_AT_ONCE: Final = 3


class OverseerGround(Protocol):
    """What the people's process gives to each of its tasks."""

    @property
    def settings(self) -> Settings: ...

    @property
    def secrets(self) -> Secrets: ...

    @property
    def clock(self) -> Clock: ...

    async def look(self, question: Callable[[Connection], Answer]) -> Answer:
        """Return the answer to a question put to the store."""
        ...

    async def tell(self, kind: str, payload: Mapping[str, Any]) -> str:
        """Insert a row into `inbound` and return its id."""
        ...


async def oversee(ground: Any) -> None:
    """Watch for as long as the process lives. `ground`: that of the people's process, a dataclass whose `source` names
    who speaks."""
    ours: OverseerGround = replace(ground, source="overseer")
    overseer = Overseer(ours, model_of(ours.settings, ours.secrets))
    try:
        await overseer.run()
    finally:
        await overseer.close()


def model_of(settings: Settings, secrets: Secrets) -> LanguageModel | None:
    """Return the model to ask, None where there is none, or no key."""
    key, overseer = secrets.anthropic_api_key, settings.overseer
    if not key or overseer.model not in overseer.models:
        return None
    return ModelChild(overseer, settings.anthropic.base_url, key)


class Overseer:
    """Three loops on one desk: rules, reviews, texts."""

    def __init__(
        self, ground: OverseerGround, model: LanguageModel | None, steady_s: Callable[[], float] = time.monotonic
    ) -> None:
        self._ground, self._settings, self._model = ground, ground.settings, model
        self.watch = Watch(ground)
        self.desk = OverseerDesk(ground.settings.overseer, model, ground, steady_s=steady_s)
        self._asked: set[str] = set()  # reviews that the model has
        self._under_way: set[asyncio.Task[None]] = set()
        self._context_at: dict[str, datetime] = {}
        self._since = ground.clock.now()
        self._day: date | None = None
        self._began: datetime | None = None

    async def close(self) -> None:
        for task in self._under_way:
            task.cancel()
        if self._model is not None:
            await self._model.close()

    async def run(self) -> None:
        """Look until cancelled."""
        speed = max(self._ground.clock.speed, 1e-6)
        async with asyncio.TaskGroup() as group:
            group.create_task(_every(max(self._settings.overseer.every_s / speed, _LEAST_WALL_S), self.look))
            group.create_task(_every(_REVIEWS_WALL_S, self.review))
            group.create_task(_every(_TEXTS_WALL_S, self.write))

    # ---- rules, and the model's word on what they find

    async def look(self) -> News | None:
        """Look once by the rules; None before the bot's first pulse. The model is asked beside it, so that nothing that
        a rule finds waits for its answer."""
        facts = await self._facts()
        if facts is None:
            return None
        news = await self.watch.look(findings(facts, self._settings.overseer.watch))
        if news.begun:
            self._beside(self._judge(facts, news))
        return news

    async def _judge(self, facts: Facts, news: News) -> None:
        reply = await self.desk.ask(questions.anomaly(facts, news.lasting))
        if reply.answered not in {Answered.ANSWERED, Answered.REPLACED}:
            return
        for finding in news.begun:
            await self.watch.raise_to(finding, reply.judgement.severity)

    # ---- reviews

    async def review(self) -> None:
        """Ask about every signal that waits and was not asked about yet."""
        await self._count()
        for row in await self._ground.look(store.open_reviews):
            if row.id not in self._asked:
                self._asked.add(row.id)
                self._beside(self._review(row))

    async def _review(self, row: store.ReviewRow) -> None:
        clock = self._ground.clock
        left_s = (row.deadline - clock.now()).total_seconds() / max(clock.speed, 1e-6)
        within = max(left_s - min(_MARGIN_WALL_S, left_s / 4), _LEAST_ANSWER_S)
        await self._ask_about(lambda connection: questions.review(connection, row, within))

    # ---- texts

    async def write(self) -> None:
        """Say what there is to say: why we entered, the day, what stands around an alert, the risk, what became of
        verdicts."""
        await self._count()
        facts = await self._facts()
        if facts is None:
            return
        for position_id in await self._ground.look(lambda c: store.unexplained(c, facts.now - _EXPLAINED)):
            if position_id not in self._asked:
                self._asked.add(position_id)
                await self._ask_about(lambda c, of=position_id: questions.explanation(c, of))  # type: ignore[misc]
        self._turn_the_page(facts)
        await self._contexts(facts)
        await self._by_the_clock(facts)
        await self._outcomes(facts)

    def _turn_the_page(self, facts: Facts) -> None:
        """Forget yesterday's: what must not be said twice is on record."""
        day = new_york_day(facts.now)
        if self._day not in {None, day}:
            self._asked.clear()
            self._context_at.clear()
            self._since = facts.now
        self._day = day

    async def _contexts(self, facts: Facts) -> None:
        """Write beside critical alerts, one of each code at a time: of a burst the first tells what stands around."""
        raised = await self._ground.look(lambda connection: ask.alerts(connection, 50, self._since))
        due = []
        for row in reversed(raised):
            last = self._context_at.get(row.code)
            if row.severity != CRITICAL or row.id in self._asked or (last and row.at - last < _CONTEXT_EVERY):
                continue
            self._context_at[row.code] = row.at
            due.append(row)
        self._asked |= {row.id for row in raised}
        for row in due[:_CONTEXTS_AT_ONCE]:
            await self._ask_about(lambda c, of=row: questions.alert_context(c, facts, of))  # type: ignore[misc]

    async def _by_the_clock(self, facts: Facts) -> None:
        day = new_york_day(facts.now)
        if facts.is_over and await self._is_due(ModelTask.DAY_SUMMARY, day.isoformat()):
            await self._ask_about(lambda connection: questions.day_summary(connection, day))
        hour = f"{day.isoformat()} {facts.now:%H}h"
        if facts.session_s is not None and facts.holds and await self._is_due(ModelTask.RISK, hour):
            await self._ask_about(lambda connection: questions.risk(connection, facts, self._settings, hour))

    async def _is_due(self, task: ModelTask, subject: str) -> bool:
        """Say whether a text of the clock was not asked for, by this process or by one before it."""
        key = f"{task} {subject}"
        if key in self._asked:
            return False
        self._asked.add(key)
        return not await self._ground.look(lambda connection: store.has_call(connection, task, subject))

    async def _outcomes(self, facts: Facts) -> None:
        """Tell what became of what was judged."""
        for call, outcome in await self._ground.look(lambda connection: _outcomes(connection, facts)):
            if f"outcome {call}" not in self._asked:
                self._asked.add(f"outcome {call}")
                await self._ground.tell("outcome", {"call": call, "outcome": outcome})

    # ---- what all of them need

    async def _ask_about(self, question_of: Callable[[Connection], ModelQuestion | None]) -> None:
        question = await self._ground.look(question_of)
        if question is not None:
            await self.desk.ask(question)

    async def _facts(self) -> Facts | None:
        """Look at the store. This process ends with the bot's run, so when that began is asked for once."""
        facts = await self._ground.look(lambda connection: facts_of(connection, self._settings, self._began))
        if facts is not None and facts.began_at is not None:
            self._began = facts.began_at
        return facts

    async def _count(self) -> None:
        """Have the budget count by the day of the bot's clock."""
        day = new_york_day(self._ground.clock.now())
        self.desk.begin(day, await self._ground.look(lambda connection: store.overseer_spent(connection, day)))

    def _beside(self, work: Awaitable[None]) -> None:
        task = asyncio.ensure_future(_survive(work))
        self._under_way.add(task)
        task.add_done_callback(self._under_way.discard)

    async def settle(self) -> None:
        """Wait for what runs beside the loops."""
        while self._under_way:
            await asyncio.gather(*self._under_way)


def _outcomes(connection: Connection, facts: Facts) -> list[tuple[str, str]]:
    calls = store.calls_without_outcome(connection, facts.now - _OUTCOMES)
    return [(call.id, outcome) for call in calls if (outcome := store.outcome_of(connection, call))]


async def _every(pause_s: float, look: Callable[[], Awaitable[Any]]) -> None:
    while True:
        await _survive(look())
        await asyncio.sleep(pause_s)


async def _survive(work: Awaitable[Any]) -> None:
    try:
        await work
    except Exception:  # the one place of these loops: they live
        log.exception("the overseer's look failed; the next one comes")
