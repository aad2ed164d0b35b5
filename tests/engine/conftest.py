"""The desk that most engine tests stand at, and the law that each of them is a witness of."""

from collections.abc import Iterator

import pytest

from tests.engine.desk import Desk
from tests.engine.one_door import watched


@pytest.fixture
async def desk() -> Desk:
    return await Desk().start()


@pytest.fixture(autouse=True)
def one_door() -> Iterator[None]:
    """Nothing in the bot changes an entity but the ledger's `change`."""
    with watched() as offences:
        yield
    assert offences == []
