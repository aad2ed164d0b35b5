"""How many messages each chat got within the last minute, whoever sent them: what the tick hands over and the replies
to commands share one room, and the replies leave some of it to what is urgent."""

from __future__ import annotations

from collections import defaultdict, deque
from typing import Final

_MINUTE_S: Final = 60.0
_REPLIES: Final = 0.6
_WITH_REPLIES: Final = 0.8


class ChatPace:
    """Memory of the process, by the steady clock. `per_minute`: messages that a chat may get."""

    def __init__(self, per_minute: int) -> None:
        self._replies_most = max(int(per_minute * _REPLIES), 1)
        self._total_most = max(int(per_minute * _WITH_REPLIES), 1)
        self._sent: dict[int, deque[float]] = defaultdict(deque)
        self._replied: dict[int, deque[float]] = defaultdict(deque)

    def went(self, chat: int, steady_s: float, *, is_reply: bool = False) -> None:
        """Take note of a message that was sent."""
        self._sent[chat].append(steady_s)
        if is_reply:
            self._replied[chat].append(steady_s)

    def reply_waits_s(self, chat: int, steady_s: float) -> float:
        """Return after how many seconds a reply to a chat has room; 0: now."""
        waits = (
            _until_room(self._replied[chat], self._replies_most, steady_s),
            _until_room(self._sent[chat], self._total_most, steady_s),
        )
        return max(waits)


def _until_room(times: deque[float], most: int, steady_s: float) -> float:
    while times and steady_s - times[0] >= _MINUTE_S:
        times.popleft()
    return 0.0 if len(times) < most else times[len(times) - most] + _MINUTE_S - steady_s
