"""Scored strategies: the page's own example signals in shadow, and what is wrong with a table is refused."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml
from pydantic import ValidationError

from bot.config.ideas.scored import ScoredSettings
from bot.config.ideas.together import StrategiesSettings
from bot.domain.chains import Chain, ChainListing
from bot.domain.data.sets import IV_RANK
from bot.domain.data.volatility import IvRankDay
from bot.domain.events.market_data import ChainTold, QuoteReceived
from bot.domain.instruments import Right
from bot.domain.score_names import SCORE_NAMES
from bot.domain.strategy_switch import StrategySwitch, SwitchState
from bot.strategies.registry import build
from bot.strategies.scored import Scored
from tests.engine.desk import TEN, Desk
from tests.strategies.board import DAY, SESSION, MeasuredBoard, an_option

PAGE = (Path(__file__).parents[2] / "docs" / "adding.md").read_text(encoding="utf-8")


def example() -> dict[str, Any]:
    """Return what the page tells a newcomer to write."""
    section = PAGE.partition("## A scored strategy")[2]
    read: dict[str, Any] = yaml.safe_load(section.partition("```yaml")[2].partition("```")[0])
    return read


def table(**changed: Any) -> ScoredSettings:
    given: dict[str, Any] = {
        "symbols": ["SPY"],
        "score": [{"when": "vpin > 0.4", "weight": 60, "words": "toxic"}],
        "call_when": "imbalance > 0",
        "put_when": "imbalance < 0",
    }
    return ScoredSettings.model_validate(given | changed)


def a_board(lean: float = 0.3) -> MeasuredBoard:
    board = MeasuredBoard(TEN)
    board.price("SPY", "599.80", "599.82")
    board.say("imbalance", "SPY", lean)
    board.say("pin", "SPY", 600.0)
    board.say("vpin", "SPY", 0.5)
    board.put(IV_RANK, "SPY", (IvRankDay(DAY, 40.0, 0.2, None),))
    for right, strike in ((Right.CALL, "600"), (Right.PUT, "599")):
        board.price(an_option("SPY", right, strike).key, "2.00", "2.02")
    listing = ChainListing(
        "SPY", 100, (DAY,), tuple(an_option("SPY", Right.CALL, str(k)).strike for k in range(595, 606))
    )
    board.chains["SPY"] = Chain("SPY", (listing,), TEN)
    return board


def test_the_example_of_the_page_is_a_strategy_in_shadow_that_says_why_it_buys() -> None:
    settings = StrategiesSettings.model_validate(example())
    section = settings.scored["my_lean"]
    assert section.starts == "shadow"
    (mine,) = (each for each in build(settings) if each.name == "my_lean")
    seen = mine.look("SPY", a_board(), SESSION, TEN)
    assert seen.proposal is not None, seen.reason
    assert seen.proposal.contract == an_option("SPY", Right.CALL, "600")
    assert seen.proposal.rationale["confidence"] == 100
    assert "the book leans" in seen.reason
    down = mine.look("SPY", a_board(-0.3), SESSION, TEN)
    assert down.proposal is not None
    assert down.proposal.contract.right is Right.PUT


@pytest.mark.parametrize(
    "changed, words",
    [
        ({"call_when": "imbalance > gex_total"}, "imbalance"),
        ({"call_when": "foo > 1"}, "nothing is called 'foo'"),
        ({"score": [{"when": "gex_total > 5", "weight": 60, "words": "w"}]}, "in usd"),
        ({"score": [{"when": "vpin / 0 > 5", "weight": 60, "words": "w"}]}, "divides by zero"),
        ({"score": [{"when": "while True: pass", "weight": 60, "words": "w"}]}, "no expression"),
        ({"score": [{"when": "vpin > 1", "weight": 20, "words": "w"}]}, "would never signal"),
        ({"score": []}, "at least 1"),
        ({"ages": {"foo": 5}}, "nothing is called 'foo'"),
    ],
)
def test_a_table_with_something_wrong_is_refused(changed: dict[str, Any], words: str) -> None:
    with pytest.raises(ValidationError, match=re.escape(words)):
        table(**changed)


@pytest.mark.parametrize("name", ["vpin", "imbalance"])
def test_a_measure_that_is_absent_old_or_not_there_keeps_it_from_judging(name: str) -> None:
    strategy, board = Scored("mine", table()), a_board()
    board.say(name, "SPY", None, absent="no prints")
    absent = strategy.look("SPY", board, SESSION, TEN)
    assert (absent.proposal, absent.evidence["condition"]) == (None, "inputs")
    assert f"absent:{name}:SPY no prints" in absent.reason
    del board.measures[name, "SPY"]
    assert f"missing:{name}:SPY" in strategy.look("SPY", board, SESSION, TEN).reason
    late = strategy.look("SPY", a_board(), SESSION, TEN + timedelta(seconds=61))
    assert f"stale:{name}:SPY 61s>60s" in late.reason


def test_below_its_score_and_without_a_direction_it_says_by_how_much() -> None:
    strategy, board = Scored("mine", table()), a_board()
    board.say("vpin", "SPY", 0.4)
    low = strategy.look("SPY", board, SESSION, TEN)
    assert (low.proposal, low.reason, low.evidence["condition"]) == (None, "score 0 of 60, needs 60", "score")
    flat = strategy.look("SPY", a_board(0.0), SESSION, TEN)
    assert (flat.proposal, flat.evidence["condition"]) == (None, "direction")


def test_a_row_that_divides_by_zero_adds_nothing_and_is_shown_so() -> None:
    rows = [
        {"when": "1 / imbalance > 1", "weight": 40, "words": "odd"},
        {"when": "vpin > 0.4", "weight": 60, "words": "v"},
    ]
    strategy, board = Scored("mine", table(score=rows, call_when="vpin > 0", put_when="vpin < 0")), a_board(0.0)
    seen = strategy.look("SPY", board, SESSION, TEN)
    assert seen.proposal is not None
    shown = strategy.conditions(seen.evidence, SESSION, TEN)
    assert [(each.holds, each.miss) for each in shown[1:3]] == [(None, "divides by zero"), (True, "")]


def test_the_page_lists_every_name_with_its_unit() -> None:
    for name, each in SCORE_NAMES.items():
        assert f"| `{name}` | {each.unit or '–'} | {each.words} |" in PAGE


async def test_a_new_table_is_in_shadow_in_the_tick_loop_and_what_it_would_buy_is_on_record() -> None:
    """Its switch is turned by the settings, on record; its idea is a signal that was not bought."""
    settings = example()
    row = {"when": "price > 0", "weight": 100, "words": "there is a price"}
    settings["scored"]["my_lean"] |= {
        "symbols": ["SPY"],
        "score": [row],
        "call_when": "price > 0",
        "put_when": "price < 0",
    }
    (mine,) = (each for each in build(StrategiesSettings.model_validate(settings)) if each.name == "my_lean")
    desk = await Desk({"strategies": settings}, others=[mine]).start()
    desk.equity(100_000)
    board = a_board()
    for key in ("SPY", an_option("SPY", Right.CALL, "600").key):
        desk.put(QuoteReceived(key, replace(board.quotes[key], at=desk.clock.now())))
    desk.put(ChainTold("SPY", board.chains["SPY"]))
    await desk.ticks(3, seconds=2.0)
    switch = desk.engine.ledger.entities.of(StrategySwitch)["my_lean"]
    assert (switch.state, switch.switched_by) == (SwitchState.SHADOW, "settings")
    assert [row.reason.partition(";")[0] for row in desk.store.transitions if row.machine == "signal"][-1:] == [
        "SHADOW: my_lean is switched to shadow"
    ]
    assert desk.store.orders == []
