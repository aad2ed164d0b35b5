"""One question to the model: what its answer may be, and that the rules' text stands wherever it fails."""

from __future__ import annotations

from collections.abc import AsyncIterator
from decimal import Decimal

import pytest
import pytest_asyncio

from bot.domain.overseer import Answered, ModelTask
from bot.overseer.texts import rule_text
from bot.sim.services.faults import Bend
from bot.sim.services.model import ModelMode
from tests.contracts.service_sites import Site
from tests.overseer.site import DAY, FACTS, at_the_model, desk_at, question

QUICK_S = 0.3
HANGING = {Bend.HANG, ModelMode.SLOW}


@pytest_asyncio.fixture
async def site() -> AsyncIterator[Site]:
    async with at_the_model() as running:
        yield running


@pytest.mark.parametrize("mode", [ModelMode.RULES, ModelMode.THINKING])
async def test_every_task_is_answered_and_each_call_is_told_with_its_cost(site: Site, mode: ModelMode) -> None:
    desk, told = desk_at(site, mode)
    for task in ModelTask:
        reply = await desk.ask(question(task))
        assert reply.answered is Answered.ANSWERED, told.verdicts[-1]
        assert reply.judgement.text != rule_text(task, FACTS)
    assert told.alerts == []
    for row in told.verdicts:
        assert row["model"] == "claude-haiku-5-5"
        assert row["tokens_in"] > 100
        assert row["cost_micros"] == -(-(row["tokens_in"] * 10 + row["tokens_out"] * 50) // 100)
        assert len(row["prompt_hash"]) == 12
    assert len({row["prompt_hash"] for row in told.verdicts}) == len(ModelTask)


async def test_what_goes_out_is_capped_and_has_thinking_on_top(site: Site) -> None:
    desk, _ = desk_at(site, caps={task.value: 150 for task in ModelTask})
    await desk.ask(question(ModelTask.EXPLANATION, "Fed holds"))
    [stored] = site.services.book.texts("anthropic:claude-haiku-5-5")[-1:]
    assert '"quoted": [{"source": "headlines", "text": "Fed holds"}]' in stored


FAILS = {
    ModelMode.MALFORMED: Answered.MALFORMED,
    ModelMode.TRUNCATED: Answered.MALFORMED,
    ModelMode.SLOW: Answered.LATE,
    ModelMode.REFUSING: Answered.REFUSED,
    ModelMode.LIMITED: Answered.UNAVAILABLE,
    ModelMode.OVERLOADED: Answered.UNAVAILABLE,
}


@pytest.mark.parametrize("mode", list(FAILS))
async def test_a_model_that_fails_leaves_the_rules_texts_and_is_told_of_once(site: Site, mode: ModelMode) -> None:
    desk, told = desk_at(site, mode, timeout_wall_s=QUICK_S if mode in HANGING else 20)
    for task in ModelTask:
        reply = await desk.ask(question(task))
        assert reply.answered is FAILS[mode]
        assert reply.judgement.text == rule_text(task, FACTS)
        assert reply.judgement.action == "none"
    assert told.alerts == ["OVERSEER_MODEL_SILENT"]
    assert len(told.verdicts) == len(ModelTask)


@pytest.mark.parametrize(
    "fault", [Bend.HTML, Bend.RESET, Bend.ERROR_BEFORE, Bend.REVOKED, Bend.HANG, Bend.BARE, Bend.ACCEPT_RESET]
)
async def test_so_does_a_service_that_fails(site: Site, fault: Bend) -> None:
    desk, told = desk_at(site, timeout_wall_s=QUICK_S if fault in HANGING else 20)
    site.goes_wrong("anthropic", fault, for_seconds=600)
    for task in ModelTask:
        reply = await desk.ask(question(task))
        assert reply.judgement.text == rule_text(task, FACTS)
    assert told.alerts == ["OVERSEER_MODEL_SILENT"]


async def test_a_wait_hint_is_not_obeyed_inside_the_call(site: Site) -> None:
    desk, told = desk_at(site, timeout_wall_s=5)
    site.goes_wrong("anthropic", Bend.LIMITED, for_seconds=600, retry_after_s=300)
    assert (await desk.ask(question(ModelTask.REVIEW))).answered is Answered.UNAVAILABLE
    assert told.verdicts[-1]["ms"] < 3000


async def test_an_unknown_model_and_a_missing_key_leave_the_rules_texts(site: Site) -> None:
    price = {"input_usd": 1, "output_usd": 5}
    unknown, told = desk_at(site, model="claude-of-tomorrow", models={"claude-of-tomorrow": price})
    keyless, told_too = desk_at(None)
    for task in ModelTask:
        assert (await unknown.ask(question(task))).answered is Answered.UNAVAILABLE
        reply = await keyless.ask(question(task))
        assert (reply.answered, reply.judgement.text) == (Answered.NO_KEY, rule_text(task, FACTS))
    assert told.alerts == told_too.alerts == ["OVERSEER_MODEL_SILENT"]


async def test_no_model_by_choice_is_no_alert() -> None:
    desk, told = desk_at(None, model="")
    assert (await desk.ask(question(ModelTask.RISK))).answered is Answered.RULES
    assert told.alerts == []


async def test_that_it_is_back_is_told_once(site: Site) -> None:
    desk, told = desk_at(site, ModelMode.OVERLOADED)
    await desk.ask(question(ModelTask.RISK))
    site.services.anthropic.model.mode = ModelMode.RULES
    for _ in range(2):
        await desk.ask(question(ModelTask.RISK))
    assert told.alerts == ["OVERSEER_MODEL_SILENT", "OVERSEER_MODEL_BACK"]


async def test_an_invented_figure_is_replaced_by_the_rules_text(site: Site) -> None:
    desk, told = desk_at(site, ModelMode.INVENTING)
    for task in ModelTask:
        reply = await desk.ask(question(task))
        assert reply.answered is Answered.REPLACED
        assert reply.judgement.text == rule_text(task, FACTS)
        assert "1,234,567.89" in told.verdicts[-1]["verdict"]["why"]
    assert told.alerts == []


async def test_a_spent_budget_leaves_the_rules_texts_and_is_told_once_a_day(site: Site) -> None:
    desk, told = desk_at(site, budget_usd="0.002")
    ended = [(await desk.ask(question(ModelTask.ANOMALY))).answered for _ in range(12)]
    assert ended[0] is Answered.ANSWERED
    assert ended[-1] is Answered.BUDGET
    assert told.alerts == ["OVERSEER_BUDGET_SPENT"]
    spent = sum(row["cost_micros"] for row in told.verdicts)
    assert spent <= 2000
    desk.begin(DAY, Decimal("0.0001"))  # the store lags: what was spent stays spent
    assert (await desk.ask(question(ModelTask.ANOMALY))).answered is Answered.BUDGET
    desk.begin(DAY.replace(day=21), Decimal(0))
    assert (await desk.ask(question(ModelTask.ANOMALY))).answered is Answered.ANSWERED


async def test_after_a_failure_the_model_is_left_alone_for_a_while(site: Site) -> None:
    desk, told = desk_at(site, ModelMode.OVERLOADED)
    now = [0.0]
    desk._steady_s = lambda: now[0]
    ended = []
    for now[0] in (0.0, 5.0, 14.0, 16.0, 40.0, 47.0):
        ended.append((await desk.ask(question(ModelTask.RISK))).answered)
    tried = [each is Answered.UNAVAILABLE for each in ended]
    assert tried == [True, False, False, True, False, True]
    assert told.alerts == ["OVERSEER_MODEL_SILENT"]
