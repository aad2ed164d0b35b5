"""Calls of the overseer's model, and the rules' texts that stood in its place."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from sqlalchemy import Index

from bot.domain.overseer import Action, Answered, CallOutcome, ModelTask, OverseerCall
from bot.store.fields import day, facts, key, label, large, utc, whole, word, words
from bot.store.stored import Patch, Stored

OVERSEER_CALLS: Final = Stored(
    OverseerCall,
    "overseer_call",
    key("ULID of the inbound row that told of it"),
    utc("at"),
    day("day", "New York day, whose budget it counts against"),
    word("task", ModelTask),
    label("subject", "what it was about: a review, a position, an alert, a day"),
    label("model", "empty: nobody was asked"),
    label("prompt_hash", "first digits of the SHA-256 of the prompt's file"),
    whole("tokens_in"),
    whole("tokens_out", "thinking included"),
    large("cost_micros", "millionths of a dollar"),
    large("ms", "wall milliseconds of the call"),
    word("answered", Answered),
    label("severity"),
    word("action", Action, "what the verdict asked for"),
    words("done", "what the bot made of it"),
    words("text", "what people read: the model's, or the rules' where that could not stand"),
    facts("verdict", "JSON: the answer as it was understood"),
    words("outcome", "what became of what it was about"),
    utc("outcome_at", maybe=True),
    more=(Index(None, "day"), Index(None, "subject"), Index(None, "at")),
    comment="calls of the overseer's model, with what they cost, and what became of what they judged",
)
OVERSEER_CALL: Final = OVERSEER_CALLS.table

CALL_OUTCOMES: Final = Patch(
    CallOutcome, "call_outcome", OVERSEER_CALL, "id", words("outcome"), replace(utc("outcome_at"), name="at")
)
