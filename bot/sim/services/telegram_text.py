"""Text of a Telegram message: markup to what is seen, with the server's refusals. Lengths are counted in UTF-16 units,
as offsets of entities are."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Any, Final

_TAGS: Final = {
    "b": "bold", "strong": "bold", "i": "italic", "em": "italic", "u": "underline", "ins": "underline",
    "s": "strikethrough", "strike": "strikethrough", "del": "strikethrough", "code": "code", "pre": "pre",
    "a": "text_link", "blockquote": "blockquote", "tg-spoiler": "spoiler", "span": "spoiler",
}  # fmt: skip
_MARKS: Final = (
    ("```", "pre"), ("||", "spoiler"), ("__", "underline"), ("*", "bold"), ("_", "italic"), ("~", "strikethrough"),
    ("`", "code"),
)  # fmt: skip
_RESERVED: Final = frozenset("_*[]()~`>#+-=|{}.!")
_LINK: Final = re.compile(r"\[((?:\\.|[^\]\\])*)\]\(((?:\\.|[^)\\])*)\)")
_CODE: Final = frozenset({"code", "pre"})


class CannotParse(ValueError):
    """Markup that the server refuses; the text is its description."""


@dataclass(slots=True)
class Seen:
    """What is seen of a text, and its entities."""

    text: str
    entities: list[dict[str, Any]] = field(default_factory=list)


def units(text: str) -> int:
    """Return a text's length as the Bot API counts it."""
    return len(text.encode("utf-16-le")) // 2


def seen(text: str, mode: str) -> Seen:
    """Return a text without its markup; `mode` is the parse_mode, empty for none. Raises CannotParse."""
    if not mode:
        return Seen(text)
    if mode.lower() == "html":
        return _html(text)
    if mode.lower() == "markdownv2":
        return _markdown(text)
    if mode.lower() == "markdown":
        return Seen(re.sub(r"[*_`]", "", text))
    raise CannotParse("unsupported parse_mode")


class _Html(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.parts: list[str] = []
        self.open: list[tuple[str, int]] = []
        self.entities: list[dict[str, Any]] = []

    def _at(self) -> int:
        return units("".join(self.parts))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in _TAGS:
            raise CannotParse(f'Unsupported start tag "{tag}" at byte offset {self._at()}')
        self.open.append((tag, self._at()))

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        raise CannotParse(f'Unsupported start tag "{tag}/" at byte offset {self._at()}')

    def handle_endtag(self, tag: str) -> None:
        if not self.open or self.open[-1][0] != tag:
            expected = f'"</{self.open[-1][0]}>"' if self.open else "none"
            raise CannotParse(f'Unmatched end tag at byte offset {self._at()}, expected {expected}, found "</{tag}>"')
        name, begin = self.open.pop()
        if self._at() > begin:
            self.entities.append({"type": _TAGS[name], "offset": begin, "length": self._at() - begin})

    def handle_data(self, data: str) -> None:
        if "<" in data:
            raise CannotParse(f"Can't find end tag corresponding to start tag at byte offset {self._at()}")
        self.parts.append(data)

    def handle_comment(self, data: str) -> None:
        raise CannotParse(f'Unsupported start tag "!--" at byte offset {self._at()}')

    def handle_decl(self, decl: str) -> None:
        raise CannotParse(f'Unsupported start tag "!" at byte offset {self._at()}')

    def unknown_decl(self, data: str) -> None:
        raise CannotParse(f'Unsupported start tag "!" at byte offset {self._at()}')

    def handle_pi(self, data: str) -> None:
        raise CannotParse(f'Unsupported start tag "?" at byte offset {self._at()}')


def _html(text: str) -> Seen:
    if bare := re.search(r"<(?![A-Za-z/!?])", text):
        raise CannotParse(f'Unsupported start tag "" at byte offset {len(text[: bare.start()].encode())}')
    parser = _Html()
    # An escaped "<" must come out of the parser as text, so it is not to be decoded before the check for stray ones.
    parser.feed(text.replace("&lt;", "\ue000"))
    parser.close()
    if parser.open:
        raise CannotParse(f'Can\'t find end tag corresponding to start tag "{parser.open[-1][0]}"')
    return Seen("".join(parser.parts).replace("\ue000", "<"), parser.entities)


def _markdown(text: str) -> Seen:
    """Read MarkdownV2: marks that open and close, escapes, links; a reserved character that stands alone is refused."""
    out: list[str] = []
    entities: list[dict[str, Any]] = []
    open_marks: list[tuple[str, str, int]] = []
    index, line_begins = 0, True
    while index < len(text):
        inside = open_marks[-1] if open_marks else None
        taken, piece = _piece(text, index, inside, line_begins)
        if piece is None:
            mark, kind = taken
            _turn(open_marks, entities, mark, kind, units("".join(out)))
            index += len(mark)
            continue
        out.append(piece)
        line_begins = piece.endswith("\n")
        index += taken[0]
    if open_marks:
        mark, kind, _ = open_marks[-1]
        raise CannotParse(f"Can't find end of {kind.capitalize()} entity at byte offset {len(text.encode())}")
    return Seen("".join(out), entities)


def _piece(text: str, index: int, inside: tuple[str, str, int] | None, line_begins: bool) -> tuple[Any, str | None]:
    """Return (length, text) of what is plain at `index`, or ((mark, kind), None) of a mark."""
    letter = text[index]
    if letter == "\\" and index + 1 < len(text):
        return (2,), text[index + 1]
    for mark, kind in _MARKS:
        closes = inside is not None and inside[0] == mark
        if text.startswith(mark, index) and (closes or inside is None or inside[1] not in _CODE):
            return (mark, kind), None
    if inside is not None and inside[1] in _CODE:
        return (1,), letter
    if letter == "[" and (link := _LINK.match(text, index)):
        return (link.end() - index,), re.sub(r"\\(.)", r"\1", link[1])
    if letter == ">" and line_begins:
        return (1,), ""
    if letter in _RESERVED:
        raise CannotParse(f"Character '{letter}' is reserved and must be escaped with the preceding '\\'")
    return (1,), letter


def _turn(
    open_marks: list[tuple[str, str, int]], entities: list[dict[str, Any]], mark: str, kind: str, at: int
) -> None:
    """Open a mark, or close the one that is open."""
    if open_marks and open_marks[-1][0] == mark:
        _, _, begin = open_marks.pop()
        if at > begin:
            entities.append({"type": kind, "offset": begin, "length": at - begin})
    else:
        open_marks.append((mark, kind, at))
