"""What a person may ask for, as command rows. The bot answers on its next tick; the page never changes a state."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any, Final
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from flask import Blueprint, abort, redirect, render_template, request
from werkzeug.wrappers import Response as AnyResponse

from bot.domain.errors import StoreError
from bot.domain.events import CommandKind
from bot.store import read as ask
from bot.web.access import safe_next, visit
from bot.web.commanding import give_command
from bot.web.window import window

blueprint = Blueprint("actions", __name__)


@dataclass(frozen=True, slots=True)
class Action:
    """One button: its words, the payload key of what it is about, and the question asked before it goes out; where a
    number has to be told, the payload key of that and its words."""

    label: str
    target: str | None = None
    question: str = ""
    value: str | None = None
    value_words: str = ""


ACTIONS: Final[Mapping[CommandKind, Action]] = {
    CommandKind.PAUSE: Action("Pause entries"),
    CommandKind.RESUME: Action("Resume"),
    CommandKind.RESUME_SYMBOL: Action("Allow entries", "symbol"),
    CommandKind.APPROVE: Action("Approve", "signal_id"),
    CommandKind.REJECT: Action("Reject", "signal_id"),
    CommandKind.CLOSE: Action("Close position", "position_id", "All that is left of it is sold at the market now."),
    CommandKind.SETTLE: Action(
        "Tell settlement price",
        "position_id",
        "What did the underlying settle at? The exchange publishes it. Of contracts that somebody else sold: what did "
        "a share of the option bring? The position's profit and loss follows from it.",
        "price",
        "Settlement price of the underlying, in dollars; of what somebody else sold, the option's",
    ),
    CommandKind.FLATTEN: Action(
        "Flatten all",
        None,
        "Every open position is sold at the market, every entry is called off, "
        "and entries stay paused until you resume.",
    ),
    CommandKind.CANCEL_ALL: Action(
        "Cancel entries",
        None,
        "Every entry order is taken back. Positions and their stops stay, and new entries may follow.",
    ),
    CommandKind.EMERGENCY: Action(
        "Emergency stop",
        None,
        "The session halts, every entry order is taken back and every open position is sold at the market, "
        "as soon as the broker can be asked. Only a person resumes.",
    ),
}


@blueprint.post("/actions/<kind>")
def act(kind: str) -> AnyResponse | str | tuple[str, int]:
    """Insert one command row and return to where the person was; dangerous ones are asked about first."""
    action, word = _known(kind)
    target = request.form.get("target", "")
    back = safe_next(request.form.get("next", "/"))
    if action.target and not _exists(action.target, target):
        abort(404, "The store does not know what this is about. It may be gone; look at the overview.")
    given, fault = _given(action)
    if (action.question and request.form.get("confirmed") != "yes") or fault:
        asked = {"kind": kind, "action": action, "target": target, "next": back}
        return render_template("web/confirm.html", **asked, given=given, fault=fault), 400 if fault else 200
    payload = {action.target: target} if action.target else {}
    if action.value:
        payload[action.value] = given
    try:
        command_id = give_command(window(), word, payload, f"admin:web:{visit().user}")
    except StoreError as error:
        return render_template("web/problem.html", title="Not sent", text=f"{error}."), 503
    return redirect(_with_sent(back, command_id), 303)


def _known(kind: str) -> tuple[Action, CommandKind]:
    try:
        word = CommandKind(kind)
        return ACTIONS[word], word
    except (ValueError, KeyError):
        abort(404, "There is no such action.")


def _given(action: Action) -> tuple[str, str]:
    """Return the number that a person told, as it was typed, and what is wrong with it once it is to count."""
    given = request.form.get(action.value, "").strip() if action.value else ""
    if action.value is None or request.form.get("confirmed") != "yes":
        return given, ""
    try:
        number = Decimal(given)
    except InvalidOperation:
        return given, f"{given!r} is no number: a price in dollars is wanted, 5950.25 say."
    return given, "" if number.is_finite() and number > 0 else "A price is larger than zero."


def _exists(target_name: str, target: str) -> bool:
    if target_name == "symbol":
        return target in {row.id for row in window().look(ask.halted_symbols)}
    read: Any = ask.signal if target_name == "signal_id" else ask.position
    return bool(target) and window().look(lambda connection: read(connection, target)) is not None


def _with_sent(path: str, command_id: str) -> str:
    parts = urlsplit(path)
    kept = [(name, value) for name, value in parse_qsl(parts.query) if name != "sent"]
    return urlunsplit(("", "", parts.path, urlencode([*kept, ("sent", command_id)]), ""))
