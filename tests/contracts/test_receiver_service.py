"""The receiver of signed webhooks: what it takes, whether it was signed, and each fault, with the bot's HTTP client."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator

import aiohttp
import pytest
import pytest_asyncio

from bot.sim.services.faults import Bend
from bot.sim.services.receiver import SIGNATURE_HEADER, signature
from tests.contracts.service_sites import Site, patience, services

BODY = json.dumps({"code": "ORDER_IN_DOUBT", "level": "CRITICAL"}).encode()


@pytest_asyncio.fixture
async def site() -> AsyncIterator[Site]:
    async with services() as running:
        running.services.receiver.secrets["alerts"] = "a-shared-word"
        yield running


async def post(site: Site, *, secret: str = "a-shared-word", seconds: float = 5.0) -> int:
    headers = {SIGNATURE_HEADER: f"t=1,v1={signature(secret, '1', BODY)}", "Content-Type": "application/json"}
    async with (
        aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=seconds)) as session,
        session.post(f"{site.url('receiver')}/alerts", data=BODY, headers=headers) as answer,
    ):
        await answer.read()
        return answer.status


async def test_a_delivery_is_kept_with_what_its_signature_is_worth(site: Site) -> None:
    assert await post(site) == 200
    assert await post(site, secret="another") == 200
    entries = site.services.book.places["receiver:alerts"].entries
    assert [each.extra["signed"] for each in entries] == ["yes", "no"]
    assert entries[0].title == "ORDER_IN_DOUBT"


@pytest.mark.parametrize(
    "fault, status, copies",
    [
        (Bend.ERROR_AFTER, 500, 1),
        (Bend.ERROR_BEFORE, 500, 0),
        (Bend.LIMITED, 429, 0),
        (Bend.REVOKED, 401, 0),
        (Bend.REFUSED, 410, 0),
        (Bend.NOT_FOUND, 404, 0),
        (Bend.TOO_LONG, 413, 0),
        (Bend.HTML, 200, 0),
        (Bend.BARE, 200, 1),
    ],
)
async def test_each_answer_that_is_a_fault(site: Site, fault: Bend, status: int, copies: int) -> None:
    site.goes_wrong("receiver", fault)
    assert await post(site) == status
    assert len(site.received("receiver:alerts")) == copies


@pytest.mark.parametrize(
    "fault, raised, copies",
    [
        (Bend.ACCEPT_HANG, TimeoutError, 1),
        (Bend.HANG, TimeoutError, 0),
        (Bend.DRIP, TimeoutError, 1),
        (Bend.ACCEPT_RESET, aiohttp.ClientConnectionError, 1),
        (Bend.RESET, aiohttp.ClientConnectionError, 0),
    ],
)
async def test_each_fault_without_an_answer(site: Site, fault: Bend, raised: type[Exception], copies: int) -> None:
    site.goes_wrong("receiver", fault)
    with pytest.raises(raised):
        await post(site, seconds=patience(fault))
    assert len(site.received("receiver:alerts")) == copies
