"""`docs/adding.md` replayed as far as can be: a setting or an alert that misses a file of its list is found out."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import datetime, time
from pathlib import Path

import pytest
from pydantic import create_model

from bot.analytics.depth import book_imbalance
from bot.app.fast_clock import paced
from bot.app.replayed_day import open_desk
from bot.cli import alerts
from bot.config.doubts import doubts
from bot.config.ideas.together import StrategiesSettings
from bot.config.loader import load
from bot.config.schema import Settings
from bot.config.section import INPUT_WALL_S
from bot.config.strategies import StrategySettings
from bot.domain import notices
from bot.domain.calendar import TradingSession
from bot.domain.instruments import OptionContract, Right
from bot.domain.market import MarketView
from bot.domain.position import Position
from bot.strategies import registry
from bot.strategies.base import STANDS, Look, Proposal, Thesis
from bot.strategies.chain import contract_at_money
from bot.strategies.inputs import book_faults, price_faults, quote_faults
from tests.config import test_shipped_files
from tests.domain import test_notices

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs" / "adding.md").read_text()


def test_every_folder_and_file_of_the_checklists_is_there() -> None:
    named = re.findall(r"`((?:bot|tests|config|migrations|docs)/[\w./]*)[`:]", PAGE)
    assert len(named) > 30
    assert not [name for name in named if not (ROOT / name).exists()]


@pytest.mark.parametrize("thing", ["setting", "alert", "column", "request", "job", "data set", "strategy"])
def test_each_thing_has_its_list_and_what_holds_it(thing: str) -> None:
    _, _, rest = PAGE.partition(f"\n## A{'n' if thing[0] in 'aeiou' else ''} {thing}\n")
    section = rest.partition("\n## ")[0]
    assert section.count("- [ ]") >= 4
    assert "Held by" in section


def test_an_alert_without_a_place_that_raises_it_is_found_out(monkeypatch: pytest.MonkeyPatch) -> None:
    row = notices.Notice("warning", "once", "Something new.", "Look at it.")
    monkeypatch.setattr(test_notices, "REGISTER", {**notices.REGISTER, "SOMETHING_NEW": row})
    with pytest.raises(AssertionError):
        test_notices.test_every_row_of_the_register_is_raised_somewhere()


def test_an_alert_without_a_row_is_found_out(monkeypatch: pytest.MonkeyPatch) -> None:
    known = {code: row for code, row in notices.REGISTER.items() if code != "UNPROTECTED"}
    monkeypatch.setattr(test_notices, "REGISTER", known)
    with pytest.raises(AssertionError):
        test_notices.test_every_code_that_is_raised_is_in_the_register()


def test_an_alert_that_the_page_does_not_have_is_found_out(monkeypatch: pytest.MonkeyPatch) -> None:
    row = notices.Notice("warning", "once", "Something new.", "Look at it.")
    monkeypatch.setattr(notices, "GROUPS", {**notices.GROUPS, "New": {"SOMETHING_NEW": row}})
    assert alerts.page() != (ROOT / "docs" / "alerts.md").read_text()


def test_a_setting_that_the_files_do_not_name_is_found_out() -> None:
    wider = create_model("Wider", __base__=StrategiesSettings, brand_new=(int, 5))
    test_shipped_files.test_every_setting_is_named("strategies.yaml", StrategiesSettings)
    with pytest.raises(AssertionError, match="brand_new"):
        test_shipped_files.test_every_setting_is_named("strategies.yaml", wider)


# ---- a second strategy: a module, a section, a line in the registry, and nothing else


class LeaningSettings(StrategySettings):
    symbols: tuple[str, ...] = ("SPY",)
    window_from: time = time(9, 45)
    priority: int = 1
    least_lean: float = 0.2
    book_max_age_s: float = 30


class Leaning:
    """Buys at the money where the book leans, wherever the price stands."""

    due_every_s = 5.0

    def __init__(self, settings: LeaningSettings) -> None:
        self.name, self._settings = "leaning", settings
        self.symbols, self.exit, self.cool_down_s = settings.symbols, settings.exit, settings.cool_down_s
        self.chain = settings.chain.need

    def interests(self, view: MarketView, session: TradingSession, now: datetime) -> dict[str, frozenset[str]]:
        wanted = dict.fromkeys(self.symbols, frozenset({"quote", "book"}))
        for symbol in self.symbols:
            for right in Right:
                contract = self._at_money(symbol, view, session, right)
                wanted |= {contract.key: frozenset({"quote"})} if contract else {}
        return wanted

    def input_faults(
        self, symbol: str, view: MarketView, now: datetime, contract: OptionContract | None = None
    ) -> tuple[str, ...]:
        limits = self._settings
        faults = (
            *price_faults(view, symbol, now, limits.price_max_age_s),
            *book_faults(view, symbol, now, limits.book_max_age_s),
        )
        return faults if contract is None else (*faults, *quote_faults(view, contract.key, now, limits.price_max_age_s))

    def look(self, symbol: str, view: MarketView, session: TradingSession, now: datetime) -> Look:
        book = view.book(symbol)
        lean = (book_imbalance(book) if book else None) or 0.0
        contract = self._at_money(symbol, view, session, Right.CALL if lean > 0 else Right.PUT)
        quote = view.quote(contract.key) if contract else None
        is_time = session.at(self._settings.window_from) <= now < session.cut_off(self._settings.window_to)
        if not is_time or abs(lean) < self._settings.least_lean or contract is None or quote is None:
            return Look(symbol, None, "nothing leans", {"condition": "lean"})
        if faults := self.input_faults(symbol, view, now, contract):
            return Look(symbol, None, f"inputs are not fit: {', '.join(faults)}", {"condition": "inputs"})
        reason = f"book of {symbol} leans {lean:.2f}"
        return Look(symbol, Proposal(self.name, contract, quote, {"reason": reason}), reason, {"condition": "met"})

    def still_holds(self, position: Position, view: MarketView, now: datetime) -> Thesis:
        return STANDS

    @staticmethod
    def _at_money(symbol: str, view: MarketView, session: TradingSession, right: Right) -> OptionContract | None:
        quote = view.quote(symbol)
        price = quote.reference if quote else None
        return None if price is None else contract_at_money(view, symbol, session.day, right, price)


async def test_a_second_strategy_trades_after_what_its_list_names_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(registry, "STRATEGIES", {"leaning": Leaning, **registry.STRATEGIES})
    sections = create_model("Sections", __base__=StrategiesSettings, leaning=(LeaningSettings, LeaningSettings()))
    config = load(ROOT, {"sim.state_dir": str(tmp_path)}, {})
    settings = config.settings.model_copy(update={"strategies": sections()})
    async with open_desk(
        replace(config, settings=settings), "gamma_pin_day", 3, tmp_path / "day.db", quiet=True
    ) as desk:
        end = desk.session.at(time(9, 55))
        while desk.clock.now() < end and not any(p.protected_at for p in desk.engine.ledger.positions.values()):
            await desk.step(2.0)
        held = [(p.strategy, p.contract.symbol) for p in desk.engine.ledger.positions.values() if p.protected_at]
    assert ("leaning", "SPY") in held


@pytest.mark.parametrize("speed", [60.0])
def test_a_second_strategys_ages_have_room_under_a_fast_clock_and_its_section_is_asked_about(speed: float) -> None:
    sections = create_model("Sections", __base__=StrategiesSettings, leaning=(LeaningSettings, LeaningSettings()))
    settings = Settings().model_copy(update={"strategies": sections()})
    assert paced(settings, speed).strategies.sections()["leaning"].price_max_age_s == INPUT_WALL_S * speed
    late = settings.model_copy(update={"risk": settings.risk.model_copy(update={"no_zero_dte_after": time(9, 40)})})
    assert "before the window of leaning" in "; ".join(doubts(late, {}))
