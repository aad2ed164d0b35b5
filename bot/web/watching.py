"""The overseer (what it said, what that did and cost, was it right) and the people (roles, deeds, refusals)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any, Final

from flask import Blueprint, render_template, request
from sqlalchemy import Connection

from bot.domain.overseer import ModelTask, OverseerCall
from bot.store import read as ask
from bot.store.read.overseer import MICROS, DayCost, Judged, judged, overseer_calls, overseer_costs
from bot.store.read.people import Deeds, deeds, refused_requests
from bot.store.read.settings import settings_in_force
from bot.web import formats
from bot.web.access import rules
from bot.web.store_reader import reader
from bot.web.views import RequestView, command_view

blueprint = Blueprint("watching", __name__)

CALLS_SHOWN: Final = 60
COMMANDS_SHOWN: Final = 40
OTHERS_SHOWN: Final = 50
TONES: Final = {"critical": "crit", "warning": "warn", "info": "idle"}


@dataclass(frozen=True, slots=True)
class CallView:
    """One call; `cost` in dollars to the hundredth of a cent, `path` where its subject has its page."""

    call: OverseerCall
    cost: str
    path: str
    tone: str


@dataclass(frozen=True, slots=True)
class OverseerView:
    calls: tuple[CallView, ...]
    judged: tuple[Judged, ...]
    costs: tuple[DayCost, ...]
    budget: Decimal | None
    model: str


@blueprint.get("/overseer")
def overseer() -> str:
    chosen = next((task for task in ModelTask if task.value == request.args.get("task")), None)
    found = reader().look(lambda connection: overseen(connection, chosen))
    return render_template(
        "web/overseer.html", active="Overseer", o=found, tasks=[task.value for task in ModelTask], task=chosen
    )


def overseen(connection: Connection, task: ModelTask | None) -> OverseerView:
    """Return calls, newest first, what their verdicts came to, and what the days cost beside the budget."""
    settings: Mapping[str, Any] = settings_in_force(connection).get("overseer", {})
    calls = tuple(_call(each) for each in overseer_calls(connection, CALLS_SHOWN, task))
    return OverseerView(
        calls, tuple(judged(connection)), tuple(overseer_costs(connection, 10)), _dollars(settings.get("budget_usd")),
        str(settings.get("model", "")),
    )  # fmt: skip


def _call(call: OverseerCall) -> CallView:
    signal_id = call.verdict.get("signal_id", "")
    path = (
        f"/signal/{signal_id}"
        if signal_id
        else f"/position/{call.subject}"
        if call.task is ModelTask.EXPLANATION
        else ""
    )
    cost = f"${Decimal(call.cost_micros) / MICROS:.4f}" if call.cost_micros else "–"
    return CallView(call, cost, path, TONES.get(call.severity, "idle"))


def _dollars(value: Any) -> Decimal | None:
    try:
        return None if value is None else Decimal(str(value))
    except InvalidOperation:
        return None


@dataclass(frozen=True, slots=True)
class PersonView:
    name: str
    role: str
    at_telegram: bool
    done: int
    refused: int
    last: str


@blueprint.get("/people")
def people() -> str:
    return render_template("web/people.html", active="People", **seen_people())


def seen_people() -> dict[str, Any]:
    """Return the roster with what each did, others who asked, what was asked and refused lately."""
    who, commands, refused = reader().look(_people)
    return {"roster": _roster(who), "others": _others(who), "commands": commands, "refused": refused}


def _people(connection: Connection) -> tuple[Mapping[str, Deeds], list[RequestView], list[RequestView]]:
    asked = [command_view(row) for row in ask.commands(connection, COMMANDS_SHOWN)]
    return deeds(connection), asked, [command_view(row) for row in refused_requests(connection)]


def _name(actor: str) -> str:
    return actor.rpartition(":")[2]


def _roster(who: Mapping[str, Deeds]) -> list[PersonView]:
    found = []
    for person in rules().roster.people.values():
        own = [each for each in who.values() if _name(each.actor) == person.name]
        last = max((each.last_at for each in own), default=None)
        done, refused = sum(each.done for each in own), sum(each.refused for each in own)
        at_telegram = person.telegram_id is not None
        found.append(PersonView(person.name, person.role.value, at_telegram, done, refused, formats.moment(last)))
    return found


def _others(who: Mapping[str, Deeds]) -> list[Deeds]:
    """Return who asked by page or Telegram and is on no list: the unnamed login, strangers; the latest first."""
    names = set(rules().roster.people)
    strange = [each for each in who.values() if _name(each.actor) not in names]
    return sorted(strange, key=lambda each: each.last_at, reverse=True)[:OTHERS_SHOWN]
