"""Frames and field values: what goes onto the wire comes off it, however the socket cuts it."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.sim.tws.decoding import DECODERS, decode
from bot.sim.tws.limits import ClientLimits, HistoricalPacing, RateGuard
from bot.sim.tws.order_requests import read_place_order
from bot.sim.tws.requests import PlaceOrder, Unknown
from bot.sim.tws.session import negotiate
from bot.sim.tws.wire import (
    UNSET_DOUBLE,
    Fields,
    FrameReader,
    ProtocolError,
    encode,
    frame,
    read_time,
    spell,
    spell_time,
    split,
)

NEW_YORK = ZoneInfo("America/New_York")
RECORDED: dict[str, str] = json.loads((Path(__file__).parent / "recorded_orders.json").read_text())
texts = st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=20)
payloads = st.lists(st.binary(max_size=60), max_size=6)


@given(payloads)
def test_frames_come_back_byte_by_byte(sent: list[bytes]) -> None:
    reader = FrameReader()
    stream = b"".join(map(frame, sent))
    assert [payload for byte in stream for payload in reader.feed(bytes([byte]))] == sent


@given(payloads, st.integers(1, 50))
def test_frames_come_back_from_segments_of_any_size(sent: list[bytes], size: int) -> None:
    reader = FrameReader()
    stream = b"".join(map(frame, sent))
    pieces = [stream[at : at + size] for at in range(0, len(stream), size)]
    assert [payload for piece in pieces for payload in reader.feed(piece)] == sent


def test_an_absurd_length_is_refused() -> None:
    with pytest.raises(ProtocolError):
        FrameReader().feed(b"\xff\xff\xff\xff")


@given(st.lists(texts, min_size=1, max_size=20))
def test_fields_survive_encoding(sent: list[str]) -> None:
    (payload,) = FrameReader().feed(encode(sent))
    assert split(payload) == sent


@given(st.decimals(allow_nan=False, allow_infinity=False, min_value=-(10**9), max_value=10**9))
def test_a_decimal_is_spelled_without_exponent_and_reads_back_equal(value: Decimal) -> None:
    text = spell(value)
    assert "e" not in text.lower()
    assert Fields([text]).number() == value


@given(st.integers(-(2**31) + 1, 2**31 - 2))
def test_an_integer_reads_back_and_has_no_dot(value: int) -> None:
    assert "." not in spell(value)
    assert Fields([spell(value)]).integer() == value


def test_values_are_spelled_as_tws_spells_them() -> None:
    class Word(StrEnum):
        BUY = "BUY"

    values = [True, False, None, Decimal("1.2300"), Decimal("-0.0"), 0.1, 1e-7, float("nan"), Word.BUY, np.int64(7)]
    expected = ["1", "0", "", "1.23", "0", "0.1", "0.0000001", UNSET_DOUBLE, "BUY", "7"]
    assert list(map(spell, values)) == expected  # type: ignore[arg-type]
    with pytest.raises(TypeError):
        spell(object())  # type: ignore[arg-type]


@pytest.mark.parametrize("text", ["", "1.7976931348623157E308", "1.7976931348623157e+308", "2147483647", "Infinity"])
def test_every_spelling_of_unset_reads_as_none(text: str) -> None:
    assert Fields([text]).number() is None


@pytest.mark.parametrize("text", ["x", "NaN", "1..2"])
def test_a_number_that_is_none_raises(text: str) -> None:
    with pytest.raises(ProtocolError):
        Fields([text]).number()


@given(st.datetimes(datetime(2020, 1, 1), datetime(2030, 1, 1)), st.sampled_from([157, 173, 174, 178]))  # noqa: DTZ001
def test_times_read_back_in_the_exchanges_zone(naive: datetime, version: int) -> None:
    # An ambiguous hour has two readings without an offset, and neither spelling carries one.
    at = naive.replace(microsecond=0, tzinfo=UTC)
    local = at.astimezone(NEW_YORK)
    back = read_time(spell_time(at, NEW_YORK, version), NEW_YORK)
    assert back is not None
    assert back == at or local.fold == 1


def test_clients_may_write_times_in_three_ways() -> None:
    expected = datetime(2026, 11, 20, 20, 0, tzinfo=UTC)
    for text in ("20261120-20:00:00", "20261120 15:00:00", "20261120 15:00:00 US/Eastern", "20261120 15:00:00 EST"):
        assert read_time(text, NEW_YORK) == expected
    assert read_time("20261120", NEW_YORK) == expected - timedelta(hours=15)
    with pytest.raises(ProtocolError):
        read_time("tomorrow", NEW_YORK)


@pytest.mark.parametrize(
    "greeting, version",
    [(b"v157..176", 176), (b"v100..157", 157), (b"v157..178 +PACEAPI", 178), (b"v100..200\0", 178), (b"v160", 160)],
)
def test_the_highest_common_version_is_agreed(greeting: bytes, version: int) -> None:
    assert negotiate(greeting) == version


@pytest.mark.parametrize("greeting", [b"v100..156", b"v179..200", b"hello", b"v..", b""])
def test_a_greeting_without_common_version_is_refused(greeting: bytes) -> None:
    with pytest.raises(ProtocolError):
        negotiate(greeting)


def recorded(name: str) -> tuple[list[str], int]:
    return RECORDED[name].split("|")[:-1], int(name.rsplit(" ", 1)[1])


@pytest.mark.parametrize("name", RECORDED)
def test_each_clients_own_place_order_is_read_to_its_last_field(name: str) -> None:
    fields, version = recorded(name)
    source = Fields(fields[1:])
    read_place_order(source, version)
    assert source.remaining == 0


@pytest.mark.parametrize("name", [name for name in RECORDED if " plain " in name])
def test_a_plain_order_means_the_same_from_every_client(name: str) -> None:
    fields, version = recorded(name)
    order = decode(fields, version)
    assert isinstance(order, PlaceOrder)
    assert (order.action, order.quantity, order.order_type, order.limit_price) == (
        "BUY",
        Decimal(2),
        "LMT",
        Decimal("1.25"),
    )
    assert (order.contract.con_id, order.contract.strike, order.contract.right) == (1012, Decimal(600), "C")
    assert (order.tif, order.order_ref, order.transmit, order.what_if) == ("DAY", "plain", True, False)
    assert order.aux_price in {None, 0}


@pytest.mark.parametrize("name", [name for name in RECORDED if " trail " in name])
def test_a_trailing_order_means_the_same_from_every_client(name: str) -> None:
    order = decode(*recorded(name))
    assert isinstance(order, PlaceOrder)
    assert (order.trailing_percent, order.trail_stop_price) == (Decimal(25), Decimal("0.9"))
    assert (order.oca_group, order.oca_type, order.parent_id, order.transmit) == ("oca", 1, 7, False)
    assert (order.tif, order.good_till, order.outside_rth) == ("GTD", "20261120-20:00:00", True)
    assert order.account == "DU1234567"


@pytest.mark.parametrize("name", [name for name in RECORDED if " rich " in name])
def test_an_order_with_every_optional_block_is_read_through(name: str) -> None:
    order = decode(*recorded(name))
    assert isinstance(order, PlaceOrder)
    assert (order.algo, order.conditions, order.what_if) == ("Adaptive", 2, True)
    assert order.algo_params == {"adaptivePriority": "Normal"}


@given(st.sampled_from(sorted(DECODERS)), st.lists(texts, max_size=30), st.integers(157, 178))
def test_no_fields_whatever_break_the_decoder(message: int, fields: list[str], version: int) -> None:
    try:
        decode([str(message), *fields], version)
    except ProtocolError:
        return


def test_an_unknown_message_is_a_request_of_its_own() -> None:
    assert decode(["999", "1"], 176) == Unknown(999)


def test_the_rate_guard_counts_a_violation_for_each_second_of_excess() -> None:
    guard = RateGuard(50)
    assert all(guard.admit(0.0) for _ in range(50))
    assert not guard.admit(0.5)
    assert not guard.admit(0.6)
    assert guard.violations == 1
    assert guard.admit(1.0)
    assert all(guard.admit(1.0) for _ in range(49))
    assert not guard.admit(1.6)
    assert guard.violations == 2


def test_historical_requests_are_paced_by_identity_contract_and_bar_size() -> None:
    pacing = HistoricalPacing(ClientLimits())
    assert pacing.admit("a", 1, 60, 0.0)
    assert not pacing.admit("a", 1, 60, 14.0)
    assert pacing.admit("a", 1, 60, 29.5)
    assert all(pacing.admit(f"b{n}", 2, 60, 40.0) for n in range(5))
    assert not pacing.admit("b5", 2, 60, 41.0)
    fine = HistoricalPacing(ClientLimits())
    assert all(fine.admit(f"c{n}", n, 5, float(n)) for n in range(60))
    assert not fine.admit("c60", 60, 5, 60.0)
