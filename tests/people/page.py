"""The inbox as a person uses it: its page is read, its buttons are pressed and its fields are filled in."""

from __future__ import annotations

import urllib.parse
import urllib.request
from dataclasses import dataclass, field
from html.parser import HTMLParser

from tests.people.program import OWNER, Program, until


@dataclass
class PageForm:
    """One form: its hidden fields, its buttons (label, name, value), and in which message it stands."""

    fields: dict[str, str] = field(default_factory=dict)
    buttons: list[tuple[str, str, str]] = field(default_factory=list)
    text_field: str = ""


@dataclass
class PageMessage:
    """A message as it is shown."""

    id: str
    text: str = ""
    form: PageForm | None = None

    @property
    def labels(self) -> list[str]:
        return [label for label, _, _ in self.form.buttons] if self.form else []


class InboxReader(HTMLParser):
    """Reads messages and forms of the page."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.messages: list[PageMessage] = []
        self.says: dict[str, PageForm] = {}
        self._form: PageForm | None = None
        self._button: list[str] | None = None
        self._message: PageMessage | None = None
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag == "article":
            self._message = PageMessage(given.get("id", ""))
            self.messages.append(self._message)
        elif tag == "form":
            self._form = PageForm()
            if self._message is not None:
                self._message.form = self._form
            elif given.get("id", "").startswith("say-"):
                self.says[given["id"].removeprefix("say-")] = self._form
        elif tag == "input" and self._form is not None:
            if given.get("type") == "hidden":
                self._form.fields[given["name"]] = given.get("value", "")
            else:
                self._form.text_field = given["name"]
        elif tag == "button":
            self._button = [given.get("name", ""), given.get("value", ""), ""]

    def handle_endtag(self, tag: str) -> None:
        if tag == "article":
            self._message = None
        elif tag == "form":
            self._form = None
        elif tag == "button" and self._button is not None:
            name, value, label = self._button
            if self._form is not None:
                self._form.buttons.append((label.strip(), name, value))
            self._button = None

    def handle_data(self, data: str) -> None:
        if self._button is not None:
            self._button[2] += data
        elif self._message is not None:
            self._message.text += data


class PersonAtTheInbox:
    """Somebody who has nothing but the page."""

    def __init__(self, program: Program, person: int = OWNER) -> None:
        self._program, self._person = program, person

    def looks(self, reply: str = "") -> InboxReader:
        chosen = f"&reply={self._person}:{reply}" if reply else ""
        return InboxReader(self._program.get(f"/?service=telegram&as={self._person}{chosen}"))

    def sees(self, *words: str, label: str = "", after: str = "", patience_s: float = 900.0) -> PageMessage:
        """Wait for a message in the own chat that holds all words (and has such a button)."""

        def found() -> PageMessage | None:
            own = [m for m in self.looks().messages if m.id.startswith(f"telegram:{self._person}-")]
            for message in reversed(own):
                later = not after or _number(message.id) > _number(after)
                if later and all(word in message.text for word in words) and (not label or label in message.labels):
                    return message
            return None

        seen: PageMessage = until(found, f"{words} {label}", patience_s, 0.2)
        return seen

    def presses(self, message: PageMessage, label: str) -> None:
        assert message.form is not None
        name, value = next((name, value) for each, name, value in message.form.buttons if each == label)
        self._sends({**message.form.fields, name: value})

    def types(self, text: str, reply_to: PageMessage | None = None) -> None:
        shown = self.looks(str(_number(reply_to.id)) if reply_to else "")
        form = shown.says[str(self._person)]
        self._sends({**form.fields, form.text_field: text})

    def _sends(self, form: dict[str, str]) -> None:
        body = urllib.parse.urlencode(form).encode()
        with urllib.request.urlopen(f"http://127.0.0.1:{self._program.inbox_port}/do", body, timeout=20):
            pass


def _number(message_id: str) -> int:
    return int(message_id.rpartition("-")[2])
