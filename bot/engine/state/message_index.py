"""Where a message is found: by its id, also when it is over, and by the key under which a thing is said once."""

from __future__ import annotations

from datetime import date

from bot.domain.calendar import new_york_day
from bot.domain.message import MESSAGE, Message
from bot.engine.state.undo import NotedDict, Undo


class MessageIndex:
    """Kept true by the ledger with every change. `open`: on their way; `over`: said or given up, of the days that are
    remembered, for an edit needs what was said before."""

    def __init__(self, on_their_way: dict[str, Message], over: dict[str, Message], undo: Undo) -> None:
        self._undo, self._open, self.over = undo, on_their_way, over
        self._by_key = self._keys()

    def _keys(self) -> dict[str, Message]:
        known = (*self.over.values(), *self._open.values())
        return NotedDict(self._undo, ((message.dedupe_key, message) for message in known))

    def add(self, message: Message) -> None:
        self._open[message.id] = self._by_key[message.dedupe_key] = message

    def retire(self, message: Message) -> None:
        """Take note of its end, where it has come to one."""
        if message.state in MESSAGE.terminal:
            self._open.pop(message.id, None)
            self.over[message.id] = message

    def keep_since(self, day: date) -> None:
        """Forget what was over before a day of New York's."""
        kept = ((i, message) for i, message in self.over.items() if new_york_day(message.created_at) >= day)
        self.over = NotedDict(self._undo, kept)
        self._by_key = self._keys()

    def said(self, dedupe_key: str) -> Message | None:
        """Return what was said, or is about to be, under a key, in the days that are remembered."""
        return self._by_key.get(dedupe_key)

    def of(self, message_id: str | None) -> Message | None:
        """Return a message, also one that is over, of the days that are remembered."""
        return self._open.get(message_id or "") or self.over.get(message_id or "")
