"""What every channel without buttons says of them, and how a text is cut to its length."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

_SHORT: Final = 8
_ELLIPSIS: Final = "…"


def cut(text: str, longest: int) -> str:
    """Return a text of at most so many characters; one that is longer ends with an ellipsis."""
    return text if len(text) <= longest else text[: longest - 1] + _ELLIPSIS


def with_ways(body: str, extra: Mapping[str, Any]) -> str:
    """Return a text with what its buttons would do, in words, where a channel has none."""
    ids = [str(data).partition(":")[2] for _, data in extra.get("buttons") or [] if str(data).startswith("ack:")]
    if not ids:
        return body
    short = " or ".join(each[-_SHORT:] for each in ids[:3])
    return f"{body}\nTo acknowledge: python run.py ack {short}"
