"""The model's client in a process of its own: it answers as the client does, ends when nobody asks, and may die."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from decimal import Decimal

import pytest

from bot.domain.overseer import Answered, ModelTask
from bot.overseer import model_process
from bot.overseer.model_process import ModelChild
from bot.overseer.prompts import prompt_of
from bot.sim.services.book import Service
from bot.sim.services.faults import Bend, ServiceFault
from tests.overseer.site import FACTS, KEY, at_the_model, settings
from tests.patience import PATIENCE_S, until

PROMPT = prompt_of(ModelTask.RISK, FACTS)
LONG_S = PATIENCE_S
"""Until a child is up that loads the vendor's library, and has answered: on a busy machine that is long."""


@pytest.mark.slow
async def test_a_child_answers_ends_when_nobody_asks_and_is_started_by_the_next_question(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(model_process, "_START_S", LONG_S)
    wanted = settings()
    async with at_the_model() as site:
        model = ModelChild(wanted, site.url("anthropic"), KEY, idle_s=0.01)
        try:
            said = await model.ask(PROMPT, 200, LONG_S)
            assert said.answered is Answered.ANSWERED, said
            assert said.text
            assert Decimal(said.cost_micros) > 0
            await until(lambda: not model.is_running)
            model.idle_s = LONG_S
            hangs = ServiceFault(service=Service.ANTHROPIC, fault=Bend.HANG, count=9, retry_after_s=None, status=200)
            site.services.board.switch_on(hangs)
            dying = asyncio.create_task(model.ask(PROMPT, 200, LONG_S))
            await until(lambda: site.services.book.counts["anthropic.messages"] > 1)
            assert model._process is not None
            os.kill(model._process.pid, signal.SIGKILL)
            lost = await dying
            assert lost.answered is Answered.UNAVAILABLE
            assert lost.cost_micros == model.most_micros(PROMPT, 200), "nobody knows what it cost"
            assert (await model.ask(PROMPT, 200, 0.0)).answered is Answered.LATE, "a start counts towards the deadline"
            assert not model.is_running, "half a child is none"
        finally:
            await model.close()
    assert not model.is_running


async def test_a_question_that_came_while_a_child_was_on_its_way_out_outlives_it() -> None:
    model = ModelChild(settings(), "http://127.0.0.1:9", KEY)
    loop, old = asyncio.get_running_loop(), await _that_ends()
    its_own, of_the_next = loop.create_future(), loop.create_future()
    model._waiting.update({1: its_own, 2: of_the_next})
    model._asked_of[1] = old
    await model._hear(old)
    assert isinstance(its_own.exception(), ConnectionError)
    assert not of_the_next.done()


async def _that_ends() -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(sys.executable, "-c", "", stdout=asyncio.subprocess.PIPE)
