"""What comes in: updates as Telegram sends them, read field by field. What is no such thing is malformed, not a fault.

In a group the user's id counts and the chat's never; a message without a user (a channel's post, an anonymous
administrator) is from nobody.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

_LONGEST: Final = 4096
_COMMAND: Final = re.compile(r"/([A-Za-z_]{1,32})(?:@([A-Za-z0-9_]{1,64}))?(?:\s+(.*))?", re.DOTALL | re.ASCII)
_KINDS: Final = ("message", "callback_query")


class MalformedUpdate(ValueError):
    """An update that cannot be read."""


@dataclass(frozen=True, slots=True)
class Incoming:
    """One message or one press. `sent_at` is when the message was sent; of a press, when the message was whose button
    was pressed: the press itself has no time. `data` is the button's, `answers` the message that a text answers, and
    `asked` what its first button says, where that message is the bot's own (`asked_by`: who wrote it)."""

    update_id: int
    user_id: int
    chat_id: int
    is_private: bool
    message_id: int
    sent_at: datetime
    text: str = ""
    data: str = ""
    press_id: str = ""
    answers: int | None = None
    asked_by: int = 0
    asked: str = ""

    @property
    def is_press(self) -> bool:
        return bool(self.press_id)


@dataclass(frozen=True, slots=True)
class Typed:
    """A command as it was typed: its word, whom it is for (empty: whoever reads it) and the rest."""

    word: str
    addressee: str
    arguments: str


def number_of(raw: object) -> int:
    """Return the number of an update; raises Malformed where it has none."""
    found = raw.get("update_id") if isinstance(raw, Mapping) else None
    if not isinstance(found, int) or isinstance(found, bool):
        raise MalformedUpdate("an update without a number")
    return found


def read(raw: Mapping[str, Any]) -> Incoming | None:
    """Return what somebody said or pressed; None for an update of another kind. Raises Malformed."""
    number = number_of(raw)
    kind = next((kind for kind in _KINDS if kind in raw), None)
    if kind is None:
        return None
    try:
        return _message(number, raw["message"]) if kind == "message" else _press(number, raw["callback_query"])
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError, OSError) as error:
        raise MalformedUpdate(f"update {number} is no {kind}: {error!r}") from error


def _message(number: int, raw: Mapping[str, Any]) -> Incoming | None:
    text = raw.get("text")
    if not isinstance(text, str):
        return None  # a picture, somebody who joined, a group that moved
    answered = raw.get("reply_to_message")
    return Incoming(
        number,
        _user(raw),
        int(raw["chat"]["id"]),
        raw["chat"].get("type") == "private",
        int(raw["message_id"]),
        _time(raw["date"]),
        text=text[:_LONGEST].strip(),
        answers=int(answered["message_id"]) if answered else None,
        asked_by=_writer(answered),
        asked=_first_button(answered),
    )


def _writer(answered: Any) -> int:
    """Return who wrote the message that was answered, 0 where it is not said."""
    found = (answered or {}).get("from") or {}
    return int(found.get("id", 0))


def _first_button(answered: Any) -> str:
    rows = ((answered or {}).get("reply_markup") or {}).get("inline_keyboard") or [[]]
    return str(rows[0][0].get("callback_data", ""))[:64] if rows[0] else ""


def _press(number: int, raw: Mapping[str, Any]) -> Incoming:
    message = raw["message"]
    return Incoming(
        number,
        _user(raw),
        int(message["chat"]["id"]),
        message["chat"].get("type") == "private",
        int(message["message_id"]),
        _time(message["date"]),
        data=str(raw.get("data", ""))[:64],
        press_id=str(raw["id"]),
    )


def _user(raw: Mapping[str, Any]) -> int:
    """Return the user's id, 0 for nobody: what a channel or a group says in its own name is nobody's."""
    user = raw.get("from")
    if user is None or user.get("is_bot") or "sender_chat" in raw:
        return 0
    return int(user["id"])


def _time(seconds: Any) -> datetime:
    return datetime.fromtimestamp(int(seconds), UTC)


def typed(text: str) -> Typed | None:
    """Return a command, None for a text that is none."""
    found = _COMMAND.fullmatch(text)
    if found is None:
        return None
    return Typed(found[1].lower(), found[2] or "", (found[3] or "").strip())
