"""What a person may ask for, as command rows. The bot answers on its next tick; the page never changes a state."""

from __future__ import annotations

from typing import Any, Final
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from flask import Blueprint, abort, current_app, redirect, render_template, request

from bot.domain.adoption import EVERYTHING, same_key
from bot.domain.alert import OPEN, AlertState
from bot.domain.errors import StoreError
from bot.domain.events.people import RequestKind
from bot.domain.requests import REQUESTS, Danger, Need, Request, Subject
from bot.domain.typed_price import PriceUnclear, price_of
from bot.store import read as ask
from bot.store.read.alerting import alert_state
from bot.web.access import may, safe_next, visit
from bot.web.commanding import give_command
from bot.web.questions import DangerQuestion, Questions, Unaskable, question_of
from bot.web.store_reader import reader

blueprint = Blueprint("actions", __name__)


@blueprint.post("/actions/<kind>")
def act(kind: str) -> Any:
    """Insert one command row and return to where the person was; dangerous ones are asked about first."""
    asked = _known(kind)
    target = request.form.get("target", "")
    back = safe_next(request.form.get("next", "/"))
    if asked.target and not _exists(asked, asked.target, target):
        abort(404, "The store does not know what this is about. It may be gone; look at the overview.")
    if not may(asked.kind.value):
        return _refused(asked, target)
    given, fault = _given(asked)
    try:
        question = reader().look(
            lambda connection: question_of(connection, asked, target, reader().clock.now(), _typed(asked))
        )
    except Unaskable as wrong:
        return render_template("web/problem.html", title=asked.label, text=str(wrong)), 400
    why = "" if question is None else _unanswered(asked, target, question)
    if question is not None and (why or fault):
        return _put(asked, target, question, back, given, fault or why)
    try:
        command_id = give_command(reader(), asked.kind, _payload(asked, target, given), f"admin:web:{visit().user}")
    except StoreError as error:
        return render_template("web/problem.html", title="Not sent", text=f"{error}."), 503
    return redirect(_with_sent(back, command_id), 303)


def _unanswered(asked: Request, target: str, question: DangerQuestion) -> str:
    """Return why this is no answer yet; a blank where it was not asked before."""
    if request.form.get("confirmed") != "yes":
        return " "
    if question.typed and request.form.get("typed", "").strip() != question.typed:
        return f"Nothing was done: the number of contracts, {question.typed}, has to be typed."
    return questions().take(request.form.get("token", ""), visit().user, asked.kind.value, target, question)


def _put(asked: Request, target: str, question: DangerQuestion, back: str, given: str, why: str) -> Any:
    """Ask, as a page or, for the page's script, as the parts of a dialog."""
    token = questions().put(visit().user, asked.kind.value, target, question)
    why, code = why.strip(), 400 if why.strip() else 200
    if request.accept_mimetypes.best == "application/json":
        parts = {"words": question.words, "yes": question.yes, "typed": question.typed, "token": token, "why": why}
        return {**parts, "title": asked.label, "grave": asked.danger is Danger.SELLS}, code
    return render_template(
        "web/confirm.html", kind=asked.kind.value, action=asked, target=target, next=back, given=given, fault=why,
        question=question, token=token, typed=_typed(asked),
    ), code  # fmt: skip


def questions() -> Questions:
    found: Questions = current_app.extensions["questions"]
    return found


def _refused(asked: Request, target: str) -> tuple[str, int]:
    """Put on the record that somebody tried: the bot refuses the row by the same table, and says so in its audit."""
    words = "Nothing was done: your role does not allow it. The attempt is on record."
    try:
        give_command(reader(), asked.kind, _payload(asked, target, ""), f"admin:web:{visit().user}")
    except StoreError as error:
        words = f"Nothing was done: your role does not allow it. {error}."
    return render_template("web/problem.html", title="Not allowed", text=words), 403


def _known(kind: str) -> Request:
    found = next((asked for asked in REQUESTS.values() if asked.kind.value == kind and asked.on_page), None)
    return found or abort(404, "There is no such action.")


def _payload(asked: Request, target: str, given: str) -> dict[str, str]:
    payload = {asked.target.name: target} if asked.target else {}
    if asked.value:
        payload[asked.value.name] = given
    payload |= _typed(asked)
    insisted = request.form.get("insisted") == "yes"
    return payload | ({"insisted": "yes"} if insisted and _may_be_insisted_on(asked) else {})


def _typed(asked: Request) -> dict[str, str]:
    """Return what was typed or chosen beside the thing that it is about."""
    typed = {need.name: request.form.get(need.name, "").strip() for need in asked.needs if need.subject in _TYPED}
    return {name: value for name, value in typed.items() if value}


_TYPED: Final = frozenset({Subject.TERM, Subject.CHOICE, Subject.REASON})


def _may_be_insisted_on(asked: Request) -> bool:
    return any(need.subject is Subject.INSISTED for need in asked.needs)


def _given(asked: Request) -> tuple[str, str]:
    """Return the number that a person told, as it was typed, and what is wrong with it once it is to count."""
    given = request.form.get(asked.value.name, "").strip() if asked.value else ""
    if asked.value is None or request.form.get("confirmed") != "yes":
        return given, ""
    try:
        price_of(given)
    except PriceUnclear as unclear:
        return given, str(unclear)
    return given, ""


def _waits(kind: RequestKind, alert_id: str) -> bool:
    """Say whether an alert can be acknowledged, or that be taken back."""
    state = reader().look(lambda connection: alert_state(connection, alert_id))
    return state == AlertState.ACKNOWLEDGED.value if kind is RequestKind.UNACK else state in OPEN


def _exists(asked: Request, need: Need, target: str) -> bool:
    if need.subject is Subject.SYMBOL:
        return target in {row.id for row in reader().look(ask.halted_symbols)}
    if need.subject is Subject.HOLDING:
        waiting = [row.id for row in reader().look(ask.adoptions_asked)]
        return bool(waiting) and (target == EVERYTHING or any(same_key(target, key) for key in waiting))
    if need.subject is Subject.STRATEGY:
        return bool(target)  # the bot knows which there are
    if need.subject is Subject.ORDER:
        return target in {each for row in reader().look(ask.live_orders) for each in (row.id, row.order_ref)}
    if need.subject is Subject.ALERT:
        return target == EVERYTHING or _waits(asked.kind, target)
    reads: dict[Subject, Any] = {Subject.SIGNAL: ask.signal, Subject.REQUEST: ask.command}
    read = reads.get(need.subject, ask.position)
    return bool(target) and reader().look(lambda connection: read(connection, target)) is not None


def _with_sent(path: str, command_id: str) -> str:
    parts = urlsplit(path)
    kept = [(name, value) for name, value in parse_qsl(parts.query) if name != "sent"]
    return urlunsplit(("", "", parts.path, urlencode([*kept, ("sent", command_id)]), ""))
