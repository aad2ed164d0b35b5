"""Marks of scheduled jobs."""

from __future__ import annotations

from typing import Final

from sqlalchemy import Index

from bot.engine.state.records import JobRow
from bot.store.fields import given, key, label, utc, words
from bot.store.stored import Stored

JOB_RUNS: Final = Stored(
    JobRow,
    "job_run",
    given(key()),
    label("name"),
    utc("ran_at"),
    label("state"),
    words("detail"),
    more=(Index(None, "name", "ran_at"),),
    comment="marks of scheduled jobs",
)
JOB_RUN: Final = JOB_RUNS.table
