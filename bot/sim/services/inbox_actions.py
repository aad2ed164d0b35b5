"""What can be done on the inbox page: a table from the form's word to what happens at the simulated services."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from pydantic import ValidationError

from bot.sim.services.book import ServiceBook, ServicePerson
from bot.sim.services.faults import FaultBoard, ServiceFault
from bot.sim.services.model import ModelMode, SimulatedModel
from bot.sim.services.telegram_people import TelegramPeople

LONGEST_TEXT: Final = 4096
Form = Mapping[str, str]


class NotDone(Exception):
    """Something that could not be done; the text says why, for whoever pressed."""


@dataclass(frozen=True, slots=True)
class InboxDesk:
    """What actions act on."""

    book: ServiceBook
    board: FaultBoard
    people: TelegramPeople
    model: SimulatedModel


def act(desk: InboxDesk, form: Form) -> str:
    """Do what a form asks; returns a line for whoever pressed. Raises NotDone."""
    do = _ACTIONS.get(form.get("do", ""))
    if do is None:
        raise NotDone(f"nothing is called {form.get('do', '')!r} here; allowed: {', '.join(_ACTIONS)}")
    try:
        return do(desk, form)
    except (LookupError, ValueError) as error:
        raise NotDone(str(error).strip("'\"")) from error


def _person(desk: InboxDesk, form: Form) -> ServicePerson:
    return desk.book.person(int(form.get("as") or "0"))


def _chat(form: Form) -> int:
    return int(form.get("chat") or form.get("as") or "0")


def _say(desk: InboxDesk, form: Form) -> str:
    text = form.get("text", "").strip()
    if not text:
        raise NotDone("there is nothing to say: the field is empty")
    if len(text) > LONGEST_TEXT:
        raise NotDone(f"a message has at most {LONGEST_TEXT} characters, this one {len(text)}")
    reply = int(form["reply"]) if form.get("reply") else None
    desk.people.say(_person(desk, form), _chat(form), text, reply_to=reply)
    return ""


def _press(desk: InboxDesk, form: Form) -> str:
    desk.people.press(_person(desk, form), _chat(form), int(form.get("message", "0")), form.get("data", ""))
    return ""


def _react(desk: InboxDesk, form: Form) -> str:
    desk.people.react(_person(desk, form), _chat(form), int(form.get("message", "0")), form.get("emoji", ""))
    return ""


def _block(desk: InboxDesk, form: Form) -> str:
    person = _person(desk, form)
    desk.people.block(person)
    return f"{person.name} has blocked the bot"


def _unblock(desk: InboxDesk, form: Form) -> str:
    person = _person(desk, form)
    desk.people.unblock(person)
    return f"{person.name} can be written to again"


def _leave(desk: InboxDesk, form: Form) -> str:
    desk.people.leave(_person(desk, form), _chat(form))
    return "left"


def _kick(desk: InboxDesk, form: Form) -> str:
    desk.people.kick(_person(desk, form), _chat(form))
    return "the bot is out of the group"


def _migrate(desk: InboxDesk, form: Form) -> str:
    return f"the group is {desk.people.migrate(_chat(form)).id} from now on"


def _fault(desk: InboxDesk, form: Form) -> str:
    fields = ("service", "fault", "method", "target", "for_seconds", "count", "share", "retry_after_s", "status")
    given: dict[str, Any] = {name: form[name] for name in fields if form.get(name)}
    if "for_seconds" not in given and "count" not in given:
        given["count"] = 1
    try:
        fault = ServiceFault.model_validate(given)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        place = ".".join(str(each) for each in first["loc"]) or "the fault"
        raise NotDone(f"{place}: {first['msg']}") from error
    number = desk.board.switch_on(fault)
    desk.book.changed()
    return f"fault {number} is on"


def _fault_off(desk: InboxDesk, form: Form) -> str:
    desk.board.switch_off(int(form["number"]) if form.get("number") else None)
    desk.book.changed()
    return "off"


def _chance(desk: InboxDesk, form: Form) -> str:
    share = float(form.get("share") or "0")
    if not 0 <= share <= 1:
        raise NotDone("a share is between 0 and 1")
    desk.board.at_random(share, int(form.get("seed") or "0"))
    desk.book.changed()
    return f"{share:.0%} of all requests meet a fault" if share else "nothing goes wrong by chance"


def _model(desk: InboxDesk, form: Form) -> str:
    desk.model.mode = ModelMode(form.get("mode", ""))
    desk.model.slow_s = float(form.get("slow_s") or desk.model.slow_s)
    desk.book.changed()
    return f"the model: {desk.model.mode}"


_ACTIONS: Final[Mapping[str, Callable[[InboxDesk, Form], str]]] = {
    "say": _say,
    "press": _press,
    "react": _react,
    "block": _block,
    "unblock": _unblock,
    "leave": _leave,
    "kick": _kick,
    "migrate": _migrate,
    "fault": _fault,
    "fault_off": _fault_off,
    "chance": _chance,
    "model": _model,
}
