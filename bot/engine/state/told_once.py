"""What was told already: some things are said once a day and thing, however often the broker repeats them."""

from __future__ import annotations

from enum import Enum, auto


class Once(Enum):
    """What is told once a day."""

    READ_ONLY = auto()  # the gateway takes no orders
    AMBIGUOUS = auto()  # the broker's answer on an order of ours
    NOT_CHANGED = auto()  # a stop stayed as it was
    GIVEN_UP = auto()  # what is done instead of what the broker does not take; told again after it was taken
    TWIN = auto()  # a second live order of one reference
    GHOST = auto()  # an order that is over here and live at the broker
    CONTRADICTS = auto()  # a correction of side or contract
    STRANGE_ORDER = auto()  # an order that the store does not know, by its status


class ToldOnce:
    """Memory of one day and one run. What sets one telling apart from the next stands beside what it is of."""

    def __init__(self) -> None:
        self.told: set[tuple[object, ...]] = set()

    def is_news(self, what: Once, *of: object) -> bool:
        """Say whether this was not told yet, and take note that it is now."""
        key = (what, *of)
        if key in self.told:
            return False
        self.told.add(key)
        return True

    def forget(self, what: Once, *of: object) -> None:
        """It is over: the next time is news."""
        self.told.discard((what, *of))

    def begin_day(self) -> None:
        self.told.clear()
