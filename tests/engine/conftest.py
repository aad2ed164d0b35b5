"""The desk that most engine tests stand at."""

import pytest

from tests.engine.desk import Desk


@pytest.fixture
async def desk() -> Desk:
    return await Desk().start()
