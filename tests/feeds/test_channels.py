"""Every channel of the shipped endpoints: the simulated vendor says it, and its rows are those that REST gives."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from bot.feeds.poller import Poller
from bot.feeds.rows import number_of
from bot.feeds.sources import ChannelSettings, EndpointSettings
from bot.feeds.stream import VendorStream
from bot.feeds.targets import Target, targets_of
from bot.feeds.tolerant import rows_of
from bot.sim.uw import InProcessTransport
from bot.sim.uw.socket import CHANNELS
from tests.feeds.uw_site import OneDay
from tests.sim.uw.test_sets import DAY_OF_FOUR, rows, shared_face

STREAMED = {each.name: each for each in DAY_OF_FOUR.endpoints if each.stream is not None}
SMALLER = {"option_trades": 2000.0, "dark_pool": 20_000.0, "lit_trades": 20_000.0}
"""Premiums that some of the simulated last trades have, in place of the shipped ones."""


def told(endpoint: EndpointSettings) -> ChannelSettings:
    assert endpoint.stream is not None
    return endpoint.stream


def target_of(endpoint: EndpointSettings) -> Target:
    return targets_of(endpoint.model_copy(update={"enabled": True, "symbols": None}), DAY_OF_FOUR)[0]


def said(endpoint: EndpointSettings, target: Target) -> tuple[str, list[dict[str, Any]]]:
    face, clock = shared_face()

    def answer(path: str, params: list[tuple[str, str]]) -> bytes:
        reply = face.answer(path, params, "Bearer x")
        assert reply.status == 200, path
        return reply.body

    channel = target.channels(told(endpoint).channel, OneDay(), clock.now())[0]
    name, _, ticker = channel.partition(":")
    return channel, CHANNELS[name](ticker, answer)


def streamed(name: str) -> tuple[Target, list[Any]]:
    """Give a channel's messages through the stream to the poller; return the target with its rows."""
    endpoint = STREAMED[name].model_copy(update={"enabled": True, "symbols": None})
    if name in SMALLER:
        channel_settings = told(endpoint).model_copy(update={"at_least": {"premium": SMALLER[name]}})
        endpoint = endpoint.model_copy(update={"stream": channel_settings})
    settings = DAY_OF_FOUR.model_copy(update={"endpoints": (endpoint,)})
    face, clock = shared_face()
    given: list[Any] = []
    poller = Poller("unusual_whales", settings, clock, OneDay(), given.append, InProcessTransport(face))
    target = poller.endpoints[name].targets[0]
    stream = VendorStream(poller, settings.stream, "", clock, OneDay(), given.append)  # type: ignore[arg-type]
    channel, messages = said(endpoint, target)
    stream._waiting[channel] = messages
    stream.give()
    return target, list(given[0].value) if given else []


def by_rest_of(target: Target, endpoint: EndpointSettings) -> list[Any]:
    """Return what REST answers without a least premium."""
    face, clock = shared_face()
    asked = [each for each in target.params(OneDay(), clock.now()) if each[0] != "min_premium"]
    body = face.answer(target.path(OneDay(), clock.now()), asked, "Bearer x").body
    return list(DAY_OF_FOUR.reads(endpoint).parse(rows_of(body)).rows)


def test_the_shipped_endpoints_have_a_channel_each_that_the_simulated_vendor_serves() -> None:
    names = {told(each).channel.partition(":")[0] for each in STREAMED.values()}
    assert names == set(CHANNELS)


@pytest.mark.parametrize("name", sorted(STREAMED))
def test_what_a_channel_says_is_a_row_that_rest_has(name: str) -> None:
    target, by_stream = streamed(name)
    endpoint = STREAMED[name]
    assert by_stream, name
    by_rest = by_rest_of(target, endpoint) if name in SMALLER else rows(name, target.key)
    reads = DAY_OF_FOUR.reads(endpoint)
    known = {reads.alike_of(row) for row in by_rest}
    common = [row for row in by_stream if reads.alike_of(row) in known]
    assert common, "the stream and REST speak of the same"
    assert {type(row) for row in by_stream} == {type(row) for row in by_rest}
    assert all((number_of(row, "premium") or 0) >= SMALLER[name] for row in by_stream if name in SMALLER)
    assert target.rest_every == timedelta(seconds=300)


def test_of_strikes_by_expiry_a_target_hears_its_own_expiry_alone() -> None:
    target, by_stream = streamed("gex_by_strike_expiry")
    assert target.key == "SPY:0d"
    assert len({row.expiry for row in by_stream}) == 1


def test_a_trade_that_stream_and_rest_say_is_one_whoever_says_it_first() -> None:
    endpoint = STREAMED["dark_pool"]
    reads, now = DAY_OF_FOUR.reads(endpoint), shared_face()[1].now()
    rest = {"ticker": "SPY", "executed_at": now.isoformat(), "price": "600.1", "size": 1000, "tracking_id": 7,
            "premium": "600100"}  # fmt: skip
    message = {"symbol": "SPY", "executed_at": now.isoformat(), "price": "600.1", "size": 1000}
    for stream_first in (True, False):
        target = target_of(endpoint)
        if stream_first:
            assert len(target.add(reads.parse_message([message]), reads, now)) == 1
        kept = target.keep(reads.parse([rest]), reads, now)
        kept = kept if stream_first else target.add(reads.parse_message([message]), reads, now)
        assert [(row.size, row.tracking_id) for row in kept] == [(1000, 7)]
