"""A migrated store in a file of its own, made once and copied for each test."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from bot.store.revision import upgrade
from bot.store.sql_store import SqlStore
from tests.store.builders import FixedClock


@pytest.fixture(scope="session")
def empty_store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("store") / "empty.db"
    upgrade(f"sqlite+aiosqlite:///{path}")
    return path


@pytest.fixture
def store_path(empty_store: Path, tmp_path: Path) -> Path:
    path = tmp_path / "store.db"
    shutil.copy(empty_store, path)
    return path


@pytest.fixture
def url(store_path: Path) -> str:
    return f"sqlite+aiosqlite:///{store_path}"


@pytest.fixture
def clock() -> FixedClock:
    return FixedClock()


@pytest_asyncio.fixture
async def store(url: str, clock: FixedClock) -> AsyncIterator[SqlStore]:
    store = SqlStore(url, clock)
    await store.open()
    yield store
    await store.close()
