r"""The one border for text that others wrote: TWS, vendors, libraries, people, files.

A text that passes it is short, on one line, shows what would hide or steer (control characters, escapes, bidi and
zero-width marks stand as `\x1b`, `\u202e`), and holds nothing that looks like a secret. Whatever its length and
alphabet the time is linear: it is cut before it is read, and no pattern here starts anew inside what it has passed.
Passing twice changes nothing.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date, time
from decimal import Decimal
from typing import Any, Final
from urllib.parse import unquote

MOST: Final = 200
"""Characters of one text from outside."""
MOST_SENTENCE: Final = 600
"""Characters of an alert or a reason: our words around what was said outside."""
MOST_FIELD: Final = 8192
"""Characters of one field of a message; trading hours of a contract are the longest that mean something."""
HIDDEN: Final = "***"
_WINDOW: Final = 2048
_MOST_FACTS, _MOST_ITEMS, _DEEPEST, _MOST_DIGITS = 40, 60, 4, 60
_CUT: Final = "…"
_ROOM: Final = 8  # what a cut value may grow by when it is hidden
_NAMED_MARKS: Final[Mapping[str, str]] = {"\n": r"\n", "\r": r"\r", "\t": r"\t"}
_SEEMS_EMPTY: Final = frozenset(
    "\u034f\u115f\u1160\u17b4\u17b5\u180b\u180c\u180d\u180f\u2800\u3164\uffa0"
    + "".join(map(chr, (*range(0xFE00, 0xFE10), *range(0xE0100, 0xE01F0))))
)  # printable by their category, and yet nothing is seen
_MOST_MARKS: Final = 2  # combining ones on one letter; a stack of them covers other lines

# ---- what looks like a secret

TELLING_NAME: Final = (
    r"(?:token|api[_-]?key|access[_-]?key|private[_-]?key"
    r"|secret|password|passwd|pwd|passphrase|credential)"
)
SHAPES: Final[tuple[tuple[str, re.Pattern[str]], ...]] = (
    ("a Telegram bot token", re.compile(r"(?<!\d)\d{8,10}:[A-Za-z0-9_-]{35}(?![A-Za-z0-9_-])")),
    ("an Anthropic key", re.compile(r"\bsk-ant-[A-Za-z0-9_-]{10,}")),
    ("a Stripe key", re.compile(r"\b(?:sk|rk)_(?:live|test)_[A-Za-z0-9]{10,}")),
    ("a webhook secret", re.compile(r"\bwhsec_[A-Za-z0-9]{10,}")),
    ("a Discord webhook", re.compile(r"discord(?:app)?\.com/api/webhooks/\d{1,25}/[\w-]{20,}")),
    ("a JSON web token", re.compile(r"(?<![A-Za-z0-9_-])eyJ[A-Za-z0-9_-]{8,}\.eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]*")),
    ("a cloud access key", re.compile(r"\bAKIA[0-9A-Z]{16}\b")),
    ("a private key", re.compile(r"-----BEGIN [A-Z ]{0,30}PRIVATE KEY-----")),
)
"""Texts that are secret by their form, wherever they stand: what it is, and how it looks."""
_PLAIN: Final = r"[^\s&\"',;}]"
_VALUE: Final = rf"(?:(?:\"[^\"\n]{{0,200}}\"|'[^'\n]{{0,200}}'){_PLAIN}*|[\"']?{_PLAIN}+)"
_HEADER: Final = re.compile(
    r"(authorization[\"']?\s{0,8}[:=]\s{0,8}[\"']?)(?:(?:bearer|basic|token)\s{1,8})?[^\s\"',}]+", re.IGNORECASE
)
_BEARER: Final = re.compile(r"\b(bearer\s{1,8})[A-Za-z0-9._~+/=-]{8,}", re.IGNORECASE)
_NAMED: Final = re.compile(rf"(?<!/login\?)({TELLING_NAME}s?[\"']?\s{{0,8}}[:=]\s{{0,8}}){_VALUE}", re.IGNORECASE)
_ADDRESS: Final = re.compile(r"://([^\s\"'<>]+)")
_PARAMETER: Final = re.compile(rf"{TELLING_NAME}|key|auth|sig|session|jwt|pass|code", re.IGNORECASE)
_RANDOM: Final = re.compile(r"(?=[^0-9]*[0-9])(?=[^A-Za-z]*[A-Za-z])[A-Za-z0-9_~.:=+-]{16,}")
_OSI_LIKE: Final = re.compile(r"[A-Z0-9.]{1,6}[0-9]{6}[CP][0-9]{8}")
_MUST_HOLD: Final = ("://", "=", ":", "-", "_", "akia", "bearer")
_HINTS: Final = (
    "://", "authorization", "bearer", "token", "key", "secret", "pass", "pwd", "credential",
    "sk-ant-", "_live_", "_test_", "whsec_", "webhooks/", "eyj", "akia", "-----begin",
)  # fmt: skip
"""One of these stands, in lower case, in whatever a pattern finds, but for the one of two long words and a colon."""
_SHORTEST_PAIR: Final = 44
"""Characters of a Telegram bot token, which shows by nothing but digits, a colon and its length."""


def redact(text: str) -> str:
    """Return a text without what looks like a secret: passwords in addresses, values beside telling names, headers,
    and forms that are keys by themselves. Linear in its length."""
    low = text.lower() if len(text) < MOST_FIELD else None
    if low is not None and not _may_hide(low):
        return text
    if "://" in text:
        text = _ADDRESS.sub(lambda found: "://" + _address(found[1]), text)
    text = _HEADER.sub(rf"\1{HIDDEN}", text)
    text = _BEARER.sub(rf"\1{HIDDEN}", text)
    text = _NAMED.sub(rf"\1{HIDDEN}", text)
    for _, shape in SHAPES:
        text = shape.sub(HIDDEN, text)
    return text


def _may_hide(low: str) -> bool:
    """Say whether any pattern may find something in a text, given in lower case. What is no ASCII may be another case
    of a letter: then the patterns are asked."""
    if not low.isascii():
        return any(mark in low for mark in _MUST_HOLD)
    for hint in _HINTS:
        if hint in low:
            return True
    return len(low) >= _SHORTEST_PAIR and ":" in low


def _address(rest: str) -> str:
    """Return what follows the scheme of an address without password, telling parameters and random path segments."""
    if rest.startswith("/"):
        return rest  # a file: it has no user and no server
    user_info, at, place = rest.rpartition("@")
    if at:
        user, colon, _ = user_info.partition(":")
        if colon and "/" not in user:
            rest = f"{user}:{HIDDEN}@{place}"
        elif "/" not in user_info:
            rest = f"{HIDDEN}@{place}"
    ends = min((i for i in (rest.find("?"), rest.find("#")) if i >= 0), default=len(rest))
    host, *segments = rest[:ends].split("/")
    path = "/".join([host, *(HIDDEN if _is_random(each) else each for each in segments)])
    if path.startswith("127.0.0.1:") and path.endswith("/login"):
        return path + rest[ends:]  # the simulator's ready link is there to be opened
    return path + "".join(_parameter(each) for each in re.split(r"([?&#;])", rest[ends:]))


def _is_random(segment: str) -> bool:
    return bool(_RANDOM.fullmatch(segment)) and not _OSI_LIKE.fullmatch(segment)


def _parameter(part: str) -> str:
    name, equals, value = part.partition("=")
    if equals and (_PARAMETER.search(name) or _is_random(value)):
        return f"{name}={HIDDEN}"
    return HIDDEN if not equals and _is_random(part) else part


def private_parts(address: str, *, path_too: bool = False) -> set[str]:
    """Return what of an address only its owner should know, as written and as decoded: password (or the user who stands
    alone), values in the query and the fragment, and with `path_too` its path: what a monitor's address is worth."""
    _, scheme, rest = address.partition("://")
    if not scheme:
        return set()
    user_info, _, place = (rest if not rest.startswith("/") else "").rpartition("@")
    user, _, password = user_info.partition(":")
    found = {password or user}
    where, _, query = place.partition("?")
    where, _, fragment = where.partition("#")
    for piece in re.split(r"[?&#;]", f"{query}#{fragment}"):
        name, equals, value = piece.partition("=")
        if not equals or path_too or _PARAMETER.search(name):
            found.add(value if equals else piece)
    if path_too:
        found |= {each for each in where.split("/")[1:] if len(each) >= _LONG}
    return {form for each in found for form in (each, unquote(each)) if len(form) >= _SHORTEST}


_SHORTEST: Final = 4
_LONG: Final = 8


def host_only(address: str) -> str:
    """Return an address as it may be shown: scheme and host, and that there is more."""
    scheme, mark, rest = address.partition("://")
    if not mark or rest.startswith("/"):
        return address
    place = rest.rpartition("@")[2]
    ends = min((i for i in map(place.find, "/?#") if i >= 0), default=len(place))
    hides = place[ends:].strip("/") or "@" in rest
    return f"{scheme}://{place[:ends]}" + (f"/{HIDDEN}" if hides else place[ends:])


# ---- what is seen


def visible(text: str) -> str:
    """Return a text on one line in which nothing hides or steers: each such character stands as its escape."""
    if text.isascii() and text.isprintable():
        return text
    shown, marks = [], 0
    for letter in text:
        marks = marks + 1 if unicodedata.category(letter) in {"Mn", "Me"} else 0
        hidden = not letter.isprintable() or letter in _SEEMS_EMPTY or marks > _MOST_MARKS
        shown.append(_escape(letter) if hidden else letter)
    return "".join(shown)


def _escape(letter: str) -> str:
    number = ord(letter)
    escape = f"\\x{number:02x}" if number < 0x100 else f"\\u{number:04x}" if number < 0x10000 else f"\\U{number:08x}"
    return _NAMED_MARKS.get(letter, escape)


def field(text: str) -> str:
    """Return a field of a message, whole where it can mean something: cut far above that, and visible."""
    if len(text) > MOST_FIELD:
        text = text[: MOST_FIELD - 1] + _CUT
    return visible(text)


def are_plain(fields: Sequence[str]) -> bool:
    """Say whether all fields of a message are as `field` would leave them: what nearly every message is, asked at
    once."""
    together = "".join(fields)
    return len(together) <= MOST_FIELD and together.isascii() and together.isprintable()


# ---- the border


def outside(said: object, most: int = MOST) -> str:
    """Return what somebody else wrote (a text, bytes, an exception, any value) as at most `most` characters."""
    text, whole = _start_of(said, most)
    safe = redact(text)
    seen = visible(safe)
    text = seen if seen is safe else redact(seen)  # an escape may stand between a name and its value, or be the value
    if whole and len(text) <= most:
        return text
    return redact(text[: most - _ROOM].rstrip(_CUT) + _CUT)


def sentence(text: str) -> str:
    """Return an alert, a reason, a feed's last error: our words, in which others' stand."""
    return outside(text, MOST_SENTENCE)


def facts(given: Mapping[str, Any]) -> dict[str, Any]:
    """Return raw fields with each text through the border; so many keys, items and levels, and no more."""
    return {outside(key): _fact(value, 1) for key, value in _first(given.items(), _MOST_FACTS)}


def _fact(value: Any, depth: int) -> Any:
    if value is None or isinstance(value, bool | float | Decimal | date | time):
        return value
    if isinstance(value, int):
        return value if abs(value) < 10**_MOST_DIGITS else "a number of too many digits"
    if isinstance(value, Mapping) and depth < _DEEPEST:
        return {outside(key): _fact(inner, depth + 1) for key, inner in _first(value.items(), _MOST_FACTS)}
    if isinstance(value, Sequence) and not isinstance(value, str | bytes | bytearray) and depth < _DEEPEST:
        return [_fact(inner, depth + 1) for inner in _first(value, _MOST_ITEMS)]
    return outside(value)


def _first(items: Iterable[Any], most: int) -> list[Any]:
    return [item for item, _ in zip(items, range(most), strict=False)]


def _start_of(said: object, most: int) -> tuple[str, bool]:
    """Return enough of the beginning, and whether that is all. What is cut in a word is cut before that word: half a
    secret is one, too."""
    window = max(_WINDOW, 2 * most)
    if isinstance(said, bytes | bytearray | memoryview):
        text = bytes(said[: 4 * window]).decode("utf-8", "replace")
        whole = len(said) <= 4 * window
    else:
        text, whole = said if isinstance(said, str) else _in_words(said), True
    if len(text) <= window and whole:
        return text, True
    start = text[:window]
    last = max(start.rfind(" "), start.rfind("\n"))
    return (start[:last] if last >= most else start[:most]), False


def _in_words(said: object) -> str:
    try:
        return str(said) or type(said).__name__
    except Exception:  # an exception that cannot say what it is must not become another one
        return type(said).__name__


def whole_number(text: str) -> int | None:
    """Return the whole number that a text is, None for every other one: what counts as a digit elsewhere in the world,
    and what no field can hold, is none."""
    return int(text) if _WHOLE.fullmatch(text) else None


_WHOLE: Final = re.compile(r"-?[0-9]{1,18}", re.ASCII)


def hider(secrets: Iterable[str]) -> Callable[[str], str]:
    """Return a function that takes the given texts out of another; one call a place, however many they are."""
    known = sorted({each for each in secrets if len(each) >= _SHORTEST}, key=len, reverse=True)
    if not known:
        return lambda text: text

    def hide(text: str) -> str:
        for each in known:
            text = text.replace(each, HIDDEN)
        return text

    return hide


def through(fact: object, **words: object) -> None:
    """Set the words of a frozen fact that is being made, as they passed the border."""
    for name, said in words.items():
        object.__setattr__(fact, name, said)
