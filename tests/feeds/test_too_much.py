"""A vendor that says too much: each answer is refused with its reason, at once, and the next sound one is taken."""

from __future__ import annotations

import gzip
import subprocess
import sys
import zlib
from datetime import datetime

import pytest

from bot.clocks.clock import ManualClock
from bot.feeds.tolerant import Malformed, refuse_too_much, rows_of
from bot.feeds.transport import AiohttpTransport, TransportFailed
from bot.sim.uw import UwFace, UwLimits
from bot.sim.uw.routes import VendorAnswer
from bot.sim.uw.server import garbage
from tests.feeds.uw_site import NOON, a_dataset, a_site, settings_of
from tests.patience import PATIENCE_S
from tests.sim.uw.small_source import SmallSource
from tests.work import measured

BEARER = {"Authorization": "Bearer token"}
ONLY_GEX = a_dataset("spot_gex", priority="important")
TOO_MUCH = ("words", "huge_field", "huge_number", "many_rows", "deep", "large", "bomb", "field_20mb", "rows_31mb")


@pytest.mark.parametrize("kind", TOO_MUCH)
async def test_it_costs_one_turn_and_is_told_in_short_plain_words(kind: str) -> None:
    wrong = [True]

    def fault(path: str, now: datetime) -> VendorAnswer | None:
        return garbage(kind) if wrong[0] else None

    async with a_site(settings_of(ONLY_GEX), fault=fault) as site:
        with measured() as work:
            await site.poll()
        assert work.units < 100  # a bomb is unpacked as far as it may be: 10
        report = site.reports("spot_gex")["SPY"]
        assert report.state != "ok"
        assert 0 < len(report.last_error) <= 200
        assert report.last_error.isprintable()
        assert "hunter2" not in report.last_error
        wrong[0] = False
        await site.poll(after_s=120)
        assert site.reports("spot_gex")["SPY"].state == "ok"


@pytest.mark.parametrize(
    "encoding, body, why",
    [
        ("gzip", gzip.compress(b" " * 100_000), "larger than"),
        ("deflate", zlib.compress(b" " * 100_000), "larger than"),
        ("gzip", gzip.compress(b"{}")[:-6], "midst"),
        ("gzip", b"no gzip at all", "error"),
        ("br", b"anything", "not asked for"),
        ("gzip, gzip", gzip.compress(gzip.compress(b"{}")), "not asked for"),
        ("", b" " * 100_000, "bytes"),
    ],
    ids=["bomb", "deflated bomb", "cut off", "no gzip", "brotli", "twice", "plain"],
)
async def test_a_body_is_unpacked_no_further_than_a_page_is_large(encoding: str, body: bytes, why: str) -> None:
    face = UwFace(
        SmallSource(), ManualClock(NOON), limits=UwLimits(latency_wall_s=0),
        fault=lambda *_: VendorAnswer(200, body, encoding=encoding),
    )  # fmt: skip
    transport = AiohttpTransport(f"http://127.0.0.1:{await face.start('127.0.0.1', 0)}", BEARER)
    try:
        with pytest.raises(TransportFailed, match=why):
            await transport.get("/api/anything", (), 10_000)
    finally:
        await transport.close()
        await face.stop()


async def test_what_is_packed_and_small_arrives() -> None:
    face = UwFace(
        SmallSource(), ManualClock(NOON), limits=UwLimits(latency_wall_s=0),
        fault=lambda *_: VendorAnswer(200, gzip.compress(b'{"data": []}'), encoding="gzip"),
    )  # fmt: skip
    transport = AiohttpTransport(f"http://127.0.0.1:{await face.start('127.0.0.1', 0)}", BEARER)
    try:
        assert (await transport.get("/api/anything", ())).body == b'{"data": []}'
    finally:
        await transport.close()
        await face.stop()


def test_more_rows_than_were_asked_for_are_refused_before_they_are_parsed() -> None:
    with pytest.raises(Malformed, match="more rows than the 10"):
        refuse_too_much(b"[" + b"{}," * 1000 + b"{}]", 1_000_000, 10)
    with pytest.raises(Malformed, match="11 rows, 10 were asked for"):
        rows_of(b"[" + b"{}," * 10 + b"{}]", 10)
    with pytest.raises(Malformed, match="fields"):
        refuse_too_much(b'{"data": [' + b"1," * 10_000 + b"1]}", 1_000_000, 10)


_MEASURE = """
import json, resource, sys
from bot.feeds.sources import EndpointSettings
from bot.feeds.tolerant import Malformed, refuse_too_much, rows_of

fields = EndpointSettings.model_fields
row = json.dumps({f"field_{i}": str(i * 1.5) for i in range(20)}).encode()
body = b'{"data": [' + b",".join([row] * (31_000_000 // len(row))) + b"]}"
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
try:
    refuse_too_much(body, fields["max_body_bytes"].default, fields["max_rows"].default)
    rows_of(body, fields["max_rows"].default)
except Malformed as refused:
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before, refused)
"""


def test_31_megabytes_of_valid_rows_are_refused_before_they_take_memory() -> None:
    """Parsed they were 3.4 GB that were not given back; the bound is a hundredth of that."""
    done = subprocess.run(
        [sys.executable, "-c", _MEASURE], capture_output=True, text=True, timeout=PATIENCE_S, check=True
    )
    grown_kb, _, words = done.stdout.partition(" ")
    assert int(grown_kb) < 34_000
    assert "at most are read" in words
