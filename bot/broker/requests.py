"""Questions with an end marker: each has a key, collects what arrives for it, and has a deadline.

A question that is keyed by a name (open orders, positions, the time) can be asked once at a time: TWS answers carry no
id.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Callable, Hashable
from contextlib import nullcontext
from dataclasses import dataclass, field
from typing import Any, Final

from bot.domain.errors import BrokerError, BrokerUnavailable

LATE_END_GRACE_S: Final = 1.0


class RequestRefused(BrokerError):
    """TWS answered a question with an error."""

    def __init__(self, code: int, text: str) -> None:
        super().__init__(f"{code}: {text}")
        self.code, self.text = code, text


class RequestTimedOut(BrokerError):
    """No end marker came before the deadline. `partial` is what had arrived by then."""

    def __init__(self, what: str, partial: list[Any]) -> None:
        super().__init__(f"no answer to {what} in time")
        self.partial = partial


@dataclass(frozen=True, slots=True)
class Spoiled:
    """In place of an item that came and could not be read: the answer is not whole."""

    why: str


@dataclass
class _Pending:
    done: asyncio.Future[None]
    late_end_grace_s: float
    items: list[Any] = field(default_factory=list)


class Requests:
    """The questions that are open on one connection."""

    def __init__(self) -> None:
        self._pending: dict[Hashable, _Pending] = {}
        # Of names only: an id is given out once, so nobody waits for its turn or mistakes its late end marker.
        self._locks: defaultdict[Hashable, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._unheard: set[Hashable] = set()  # names whose last question ran out of time: its end marker may still come

    def __contains__(self, key: Hashable) -> bool:
        return key in self._pending

    async def ask(self, key: Hashable, send: Callable[[], None], deadline_s: float) -> list[Any]:
        """Send and return all that arrived before the end marker.

        Raises RequestTimedOut, RequestRefused, or BrokerUnavailable when the connection goes.
        """
        async with nullcontext() if isinstance(key, int) else self._locks[key]:
            # Waiting for a late marker must leave time for the answer, or a short deadline never recovers.
            grace_s = min(LATE_END_GRACE_S, deadline_s / 2)
            pending = _Pending(asyncio.get_running_loop().create_future(), grace_s)
            self._pending[key] = pending
            try:
                send()
                # wait_for would swallow a cancel that comes with the answer, and a stop would wait for ever.
                async with asyncio.timeout(deadline_s):
                    await pending.done
            except TimeoutError:
                if not isinstance(key, int):
                    self._unheard.add(key)
                raise RequestTimedOut(str(key), pending.items) from None
            finally:
                self._pending.pop(key, None)
        return pending.items

    def add(self, key: Hashable, item: Any) -> bool:
        """Collect an item; False when nobody asks."""
        pending = self._pending.get(key)
        if pending is None:
            return False
        pending.items.append(item)
        return True

    def finish(self, key: Hashable) -> None:
        """Take an end marker. One that an earlier, unheard question is still owed does not end this one."""
        pending = self._pending.get(key)
        if pending is None:
            self._unheard.discard(key)
            return
        if key in self._unheard:
            self._unheard.discard(key)
            asyncio.get_running_loop().call_later(pending.late_end_grace_s, self._conclude, pending)
            return
        self._conclude(pending)

    def fail(self, key: Hashable, error: BrokerError) -> bool:
        """End a question with an error; False when nobody asks."""
        pending = self._pending.get(key)
        if pending is None:
            return False
        if not pending.done.done():
            pending.done.set_exception(error)
        return True

    def fail_all(self, reason: str) -> None:
        """End every question: the connection is gone."""
        for key in list(self._pending):
            self.fail(key, BrokerUnavailable(reason))

    @staticmethod
    def _conclude(pending: _Pending) -> None:
        if not pending.done.done():
            pending.done.set_result(None)
