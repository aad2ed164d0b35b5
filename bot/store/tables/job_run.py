"""Marks of scheduled jobs."""

from __future__ import annotations

from typing import Final

from sqlalchemy import Index, Table

from bot.store.columns import METADATA, key, label, utc, words

JOB_RUN: Final = Table(
    "job_run",
    METADATA,
    key(),
    label("name"),
    utc("ran_at", nullable=False),
    label("state"),
    words("detail"),
    Index(None, "name", "ran_at"),
    comment="marks of scheduled jobs",
)
