"""States and triggers in plain words, and the one colour that each state means."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from bot.domain.events.people import RequestKind
from bot.domain.lifecycles import LIFECYCLES
from bot.domain.machine import refused_trigger
from bot.domain.requests import REQUESTS, Request

# good: as it should be; live: something is under way; warn: a person may want to look; bad: a person must look; idle:
# at rest
STATE_TONES: Final[Mapping[tuple[str, str], str]] = MappingProxyType(
    {
        ("session", "active"): "good",
        ("session", "starting"): "live",
        ("session", "reconciling"): "live",
        ("session", "paused"): "warn",
        ("session", "halted"): "bad",
        ("session", "stopping"): "idle",
        ("connection", "synced"): "good",
        ("connection", "handshaking"): "live",
        ("connection", "syncing"): "live",
        ("connection", "down"): "bad",
        ("connection", "degraded_data"): "warn",
        ("connection", "degraded_orders"): "bad",
        ("connection", "competing"): "warn",
        ("connection", "restart_window"): "warn",
        ("breaker", "ok"): "good",
        ("breaker", "warning"): "warn",
        ("breaker", "tripped"): "bad",
        ("job", "done"): "good",
        ("job", "agrees"): "good",
        ("job", "asked"): "live",
        ("job", "differs"): "bad",
        ("job", "failed"): "bad",
        ("adoption", "asked"): "warn",
        ("adoption", "allowed"): "live",
        ("adoption", "adopted"): "good",
        ("strategy", "on"): "good",
        ("strategy", "shadow"): "warn",
        ("strategy", "off"): "idle",
        ("symbol", "open"): "good",
        ("symbol", "halted"): "bad",
        ("signal", "pending"): "live",
        ("signal", "approved"): "live",
        ("signal", "working"): "live",
        ("signal", "filled"): "good",
        ("position", "filled"): "live",
        ("position", "trailing"): "good",
        ("position", "closing"): "warn",
        ("protection", "wanted"): "bad",
        ("protection", "working"): "good",
        ("protection", "rejected"): "bad",
        ("protection", "synthetic"): "warn",
        ("protection", "leaving"): "idle",
        ("protection", "ended"): "idle",
        ("order", "intent"): "live",
        ("order", "submitted"): "live",
        ("order", "working"): "live",
        ("order", "partially_filled"): "live",
        ("order", "cancelling"): "warn",
        ("order", "unknown"): "bad",
        ("order", "filled"): "good",
        ("order", "rejected"): "bad",
        ("approval", "requested"): "live",
        ("approval", "approved"): "good",
        ("request", "queued"): "live",
        ("request", "done"): "good",
        ("request", "refused"): "warn",
        ("command", "pending"): "live",
        ("command", "queued"): "live",
        ("command", "done"): "good",
        ("command", "refused"): "warn",
        ("feed", "ok"): "good",
        ("feed", "waiting"): "idle",
        ("feed", "retrying"): "warn",
        ("feed", "open"): "bad",
        ("feed", "refused"): "bad",
        ("severity", "info"): "idle",
        ("severity", "warning"): "warn",
        ("severity", "critical"): "bad",
        ("alert", "raised"): "live",
        ("alert", "told"): "live",
        ("alert", "escalated"): "bad",
        ("alert", "acknowledged"): "idle",
        ("alert", "resolved"): "good",
    }
)

TRIGGER_WORDS: Final[Mapping[tuple[str, str], str]] = MappingProxyType(
    {
        ("signal", "created"): "Idea proposed",
        ("signal", "measure"): "Margin and commission known",
        ("signal", "ask"): "Decision asked for",
        ("signal", "edit"): "Terms edited, asked anew",
        ("signal", "join"): "Another strategy has the same idea",
        ("signal", "approve"): "Approved",
        ("signal", "reject"): "Rejected",
        ("signal", "expire"): "Expired",
        ("signal", "work"): "Entry order written",
        ("signal", "fill"): "Filled",
        ("signal", "late_fill"): "Filled after all",
        ("signal", "cancel"): "Called off",
        ("position", "created"): "Position opened",
        ("position", "entry_fill"): "Entry filled",
        ("position", "correct"): "Broker corrected an execution",
        ("position", "protect"): "Protective stop ordered",
        ("position", "protected"): "Stop works at the broker",
        ("position", "protection_lost"): "Protection lost",
        ("position", "make_room"): "Stop shrunk to make room for a rung",
        ("position", "sell_rung"): "Profit rung offered",
        ("position", "scale_out"): "Part sold at a profit",
        ("position", "trail"): "Trailing begins",
        ("position", "ratchet"): "Stop raised",
        ("position", "request_close"): "Close wanted",
        ("position", "stopped"): "Stop is filling",
        ("position", "sell"): "Exit ordered",
        ("position", "exit_fill"): "Exit filled",
        ("position", "exit_failed"): "Exit failed",
        ("position", "close"): "Closed",
        ("position", "charge"): "Last commission known",
        ("position", "expire"): "Expired: waits for the broker's settlement",
        ("position", "settle"): "Settled",
        ("position", "resettle"): "Settlement corrected",
        ("position", "lose"): "Closed elsewhere",
        ("position", "recover"): "Recovered after a restart",
        ("position", "adopt"): "Adopted from the broker",
        ("order", "created"): "Order intended",
        ("order", "submit"): "Order sent",
        ("order", "withdraw"): "Order withdrawn before sending",
        ("order", "acknowledge"): "Broker acknowledged",
        ("order", "partial_fill"): "Filled in part",
        ("order", "fill"): "Filled",
        ("order", "late_fill"): "Filled after its end",
        ("order", "amend"): "New terms sent",
        ("order", "amended"): "New terms in force",
        ("order", "amend_refused"): "New terms refused",
        ("order", "request_cancel"): "Cancel asked",
        ("order", "cancel_refused"): "Cancel refused",
        ("order", "confirm_cancel"): "Cancelled",
        ("order", "reject"): "Order refused",
        ("order", "lose_sight"): "Outcome unknown",
        ("order", "resend"): "Sent again",
        ("approval", "created"): "Approval asked",
        ("approval", "edit"): "Terms edited, asked anew",
        ("approval", "approve"): "Approval given",
        ("approval", "reject"): "Approval refused",
        ("approval", "expire"): "Approval expired",
        ("session", "created"): "First session",
        ("session", "restart"): "Bot started",
        ("session", "reconcile"): "Book compared with the broker",
        ("session", "reconciled"): "Session active",
        ("session", "hold_pause"): "Pause kept",
        ("session", "hold_halt"): "Halt kept",
        ("session", "pause"): "Entries paused",
        ("session", "resume"): "Session resumed",
        ("session", "halt"): "Session halted",
        ("session", "stop"): "Bot stopping",
        ("connection", "created"): "First connection",
        ("connection", "connect"): "Connecting to the broker",
        ("connection", "accepted"): "Broker accepted us",
        ("connection", "synced"): "In step with the broker",
        ("connection", "drop"): "Connection lost",
        ("connection", "lose_data"): "Market data lost",
        ("connection", "lose_orders"): "Order route lost",
        ("connection", "compete"): "Another login took the data",
        ("connection", "restore"): "Market data back",
        ("connection", "resync"): "Everything asked again",
        ("connection", "window"): "Broker's restart window",
        ("request", "answer"): "Request answered",
        ("request", "refuse"): "Request refused",
        ("breaker", "warn"): "Close to a limit",
        ("breaker", "trip"): "Limit hit: no entries",
        ("breaker", "calm"): "Within its limit again",
        ("breaker", "acknowledge"): "Limit counted anew",
        ("alert", "created"): "Alert raised",
        ("alert", "tell"): "Alert told",
        ("alert", "escalate"): "Alert told again, further",
        ("alert", "acknowledge"): "Alert acknowledged",
        ("alert", "reopen"): "Acknowledgement taken back",
        ("alert", "resolve"): "Alert over",
        ("message", "created"): "Message written",
        ("adoption", "ask"): "Asked: is this ours?",
        ("adoption", "recount"): "More or fewer of it",
        ("adoption", "allow"): "Adoption allowed",
        ("adoption", "adopt"): "Taken over",
        ("adoption", "decline"): "Left alone",
        ("adoption", "go"): "Left the account",
        ("strategy", "turn_on"): "Strategy switched on",
        ("strategy", "shadow"): "Strategy switched to shadow",
        ("strategy", "turn_off"): "Strategy switched off",
        ("symbol", "halt"): "Entries on a symbol halted",
        ("symbol", "lift"): "Entries on a symbol allowed again",
        ("symbol", "day_over"): "Halt of a symbol ended with the day",
    }
)

PROTECTION_WORDS: Final[Mapping[str, tuple[str, str]]] = MappingProxyType(
    {
        "wanted": ("stop wanted", "not every contract has a working stop at the broker yet"),
        "working": ("stop works", "a stop at the broker covers what is left"),
        "rejected": ("stop refused", "the broker refused the stop; it goes out again, or the position is sold"),
        "synthetic": ("watched stop", "the broker takes no stop: the bot watches the price and sells"),
        "leaving": ("leaving", "on the way out: the exit is the protection"),
        "ended": ("ended", "nothing is left to protect"),
    }
)
"""What is shown of a position's protection, and what it means."""

VALUATION_WORDS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "executed": "at the price of its execution",
        "told": "at a price that a person told",
        "estimated": "price estimated by the last bid",
        "unknown": "price not known, counted as nothing",
    }
)
"""What the value of contracts rests on that somebody else sold."""

_TRADERS_WORDS: Final[Mapping[tuple[str, str], str]] = MappingProxyType(
    {
        ("position", "filled"): "open",
        ("order", "unknown"): "not answered",
        ("order", "intent"): "written",
        ("order", "submitted"): "sent",
    }
)


def state_tone(state: str, machine: str) -> str:
    return STATE_TONES.get((machine, state), "idle")


def effective_tone(effective: str) -> str:
    """Return the colour of an effective state: what keeps entries out of an active session is worth a look."""
    nominal, _, rest = effective.partition(", ")
    return "warn" if rest.startswith("entries") else "idle" if rest else state_tone(nominal, "session")


def state_words(state: str, machine: str = "") -> str:
    """Return a state as a trader says it; on the page of lifecycles (no `machine`) as the machine calls it."""
    return _TRADERS_WORDS.get((machine, state), state.replace("_", " "))


def protection_words(protection: str) -> str:
    return PROTECTION_WORDS.get(protection, (state_words(protection), ""))[0]


def protection_note(protection: str) -> str:
    return PROTECTION_WORDS.get(protection, ("", ""))[1]


def valuation_words(valuation: str | None) -> str:
    return VALUATION_WORDS.get(valuation or "", "")


def state_note(state: str, machine: str) -> str:
    """Return what a state promises, empty for a machine or state that has no table."""
    life = LIFECYCLES.get(machine)
    if life is None:
        return ""
    return next((note for name, note in life.notes.items() if name.value == state), "")


def trigger_words(trigger: str, machine: str) -> str:
    """Return a transition's headline; a refused trigger says so."""
    if (refused := refused_trigger(trigger)) is not None:
        return f"Refused: {trigger_words(refused, machine).lower()}"
    return TRIGGER_WORDS.get((machine, trigger), trigger.replace("_", " ").capitalize())


def actor_words(actor: str) -> str:
    """Return who did it: `tick` decided by itself, people by name."""
    known = {
        "tick": "the bot",
        "broker": "the broker",
        "reconcile": "the reconciler",
        "cli": "command line",
        "signal": "a signal to the process",
    }
    if actor.startswith("admin:web:"):
        return f"{actor.removeprefix('admin:web:')} (page)"
    return known.get(actor, actor)


def request_of(kind: str) -> Request:
    return REQUESTS[RequestKind(kind)]


FILTERS: Final = {
    "request_of": request_of,
    "state_tone": state_tone,
    "state_words": state_words,
    "state_note": state_note,
    "valuation_words": valuation_words,
    "protection_words": protection_words,
    "protection_note": protection_note,
    "trigger_words": trigger_words,
    "actor_words": actor_words,
}
