"""What a start brought to memory is passed over by later collections; what comes after it is not."""

import gc
from collections.abc import Iterator

import pytest

from bot.app.allocator import freeze_what_lives


class Node:
    def __init__(self) -> None:
        self.itself = self


@pytest.fixture(autouse=True)
def thaw() -> Iterator[None]:
    yield
    gc.unfreeze()


def test_what_lives_is_passed_over_and_later_garbage_is_collected() -> None:
    frozen = freeze_what_lives()
    assert frozen > 10_000, "the modules alone are more"
    assert len(gc.get_objects()) < frozen / 10
    later = Node()
    del later
    assert gc.collect() >= 1
