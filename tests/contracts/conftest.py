"""The brokers of whom the promises of the port are asked."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.contracts.broker_sites import Faked, Faulty, OverTheSocket, Simulated, Site

SITES: dict[str, type[Site]] = {
    "over a socket": OverTheSocket,
    "in process": Simulated,
    "behind faults": Faulty,
    "the tests' fake": Faked,
}


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Ask each promise of those who can keep it: `needs` names what not every one of them has."""
    if "away" in metafunc.fixturenames:
        needs = metafunc.definition.get_closest_marker("needs")
        parts = set(needs.args) if needs is not None else set()
        able = [name for name, kind in SITES.items() if not parts & kind.lacks]
        metafunc.parametrize("away", able, indirect=True)


@pytest.fixture
async def away(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Site]:
    """A broker that was built and not started."""
    monkeypatch.setattr("bot.broker.snapshot.SETTLE_S", 0.0)  # positions here are as quick as fills
    monkeypatch.setattr("bot.broker.line_report.LOOK_WALL_S", 0.0)
    site = SITES[request.param]()
    if isinstance(site, OverTheSocket):
        await site.listen()
    yield site
    await site.close()


@pytest.fixture
async def site(away: Site) -> Site:
    """A broker that is connected, with the contract qualified."""
    await away.up()
    return away
