"""The universe that comes with the program, and what may not be written into its file."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import ValidationError

from bot.config.loader import load
from bot.config.universe import UniverseSettings
from bot.domain.instruments import InstrumentKind
from bot.sim.market.listed import GROUPS, LISTED
from bot.sim.scenario import DATA_GROUPS

ROOT = Path(__file__).resolve().parents[2]
SHIPPED = load(ROOT, environ={}).settings.universe
NAMES = """
    SPY QQQ IWM AAPL MSFT GOOGL AMZN NVDA META TSLA PLTR VXX SPX NDX RUT VIX DAX FTSE CAC STOXX50 IBEX N225 HSI ASX200
    KOSPI TOPIX BOVESPA TSX60 TICK-NYSE AD-NYSE ES NQ YM RTY VX CL NG RB HO GC SI HG PL ZB ZN ZF ZT 6E 6B 6J 6A DX
    EUR.USD GBP.USD USD.JPY AUD.USD EUR.GBP EUR.JPY GBP.JPY USD.MXN USD.ZAR USD.TRY BTC.USD ETH.USD
    XLB XLC XLE XLF XLI XLK XLP XLRE XLU XLV XLY
"""


def test_the_shipped_universe_has_what_the_product_watches_and_fits_an_account() -> None:
    members = SHIPPED.read().members
    assert {each.name for each in members} == set(NAMES.split())
    assert len(members) < 100


def test_the_simulated_venue_lists_every_member_in_its_group() -> None:
    listed = {(each.group, each.sec_type, each.symbol, each.exchange, each.currency) for each in LISTED}
    words = {InstrumentKind.FUTURE: "FUT", InstrumentKind.INDEX: "IND", InstrumentKind.STOCK: "STK"}
    words |= {InstrumentKind.CURRENCY: "CASH", InstrumentKind.CRYPTO: "CRYPTO"}
    members = SHIPPED.read().members
    assert {(m.group, words[m.kind], m.symbol, m.exchange, m.currency) for m in members} <= listed
    assert GROUPS | {"options"} == DATA_GROUPS


def test_a_pair_is_named_by_its_two_currencies() -> None:
    pair = SHIPPED.read().by_key()["USD.JPY:CASH"]
    assert (pair.symbol, pair.currency, pair.exchange) == ("USD", "JPY", "IDEALPRO")


def test_a_group_that_is_switched_off_is_not_watched() -> None:
    off = SHIPPED.groups["fx"].model_copy(update={"enabled": False})
    members = SHIPPED.model_copy(update={"groups": {**SHIPPED.groups, "fx": off}}).read().members
    assert not [each for each in members if each.group == "fx"]


@pytest.mark.parametrize(
    "groups, why",
    [
        ({"a": {"kind": "stock", "members": {"SPY": {}}}, "b": {"kind": "stock", "members": {"SPY": {}}}}, "once"),
        ({"a": {"kind": "bond", "members": {"X": {}}}}, "kind"),
        ({"a": {"kind": "stock", "members": {}}}, "members"),
        ({"a": {"kind": "stock", "members": {"spy": {}}}}, "members"),
    ],
)
def test_what_makes_no_sense_is_refused(groups: object, why: str) -> None:
    with pytest.raises(ValidationError, match=why):
        UniverseSettings.model_validate({"groups": groups})
