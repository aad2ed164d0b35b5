"""What is said of a report that a person is asked for: the question with its text, its edit, its outcome."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, Final

from bot.domain.report import Report, ReportState
from bot.domain.wording import new_york
from bot.engine.outbox.approvals import CHANNELS, KIND, SHORT_ID, who
from bot.engine.outbox.draft import APPROVERS, Draft

if TYPE_CHECKING:
    from bot.engine.outbox.speech import Said

_OUTCOMES: Final = {ReportState.APPROVED: "APPROVED", ReportState.REJECTED: "REJECTED"}


def asked(said: Said) -> Iterable[Draft]:
    """A person is asked; after an edit anew, below the question of before, whose buttons go."""
    report = said.entity
    if not isinstance(report, Report):
        return
    answers = ""
    if report.edits:
        answers = _key(report, report.edits - 1)
        words = f"{_name(report)}\nEDITED {new_york(said.ctx.now, said.ctx.now)}. It is asked anew below."
        yield _draft(f"{answers}:edited", words, _about(report, asks=False), edits=answers)
    lines = [_name(report), *(["With a new text"] if report.edits else []), report.body, _HOW]
    extra = _about(report) | {"buttons": buttons(report)}
    yield _draft(_key(report, report.edits), "\n".join(lines), extra, answers=answers)


def decided(said: Said) -> Iterable[Draft]:
    """The message says the outcome, with who and when."""
    report = said.entity
    if not isinstance(report, Report) or report.state not in _OUTCOMES:
        return
    at = new_york(said.ctx.now, said.ctx.now)
    by = f"{_OUTCOMES[report.state]} by {who(report.decided_by)} at {at}"
    why = f": {report.reason}" if report.reason else ""
    key = _key(report, report.edits)
    words = f"{_name(report)}\n{by}{why}\n{report.body}"
    yield _draft(f"{key}:outcome", words, _about(report, asks=False) | {"outcome": report.state.value}, edits=key)


_HOW: Final = "Approve, reject, or answer this message with `edit:` and the new text."


def buttons(report: Report) -> list[list[str]]:
    """Return the buttons of a question; they say which text they were shown with."""
    labels = (("Approve", "rapprove"), ("Reject", "rreject"), ("Edit", "redit"))
    return [[label, f"{word}:{report.id}:{report.edits}"] for label, word in labels]


def _key(report: Report, edits: int) -> str:
    return f"report:{report.id}:{edits}"


def _name(report: Report) -> str:
    return f"REPORT {report.id[-SHORT_ID:]}: {report.title}"


def _about(report: Report, *, asks: bool = True) -> dict[str, Any]:
    about: dict[str, Any] = {"subject": _name(report)}
    return about | {"report": report.id, "edits": report.edits} if asks else about


def _draft(key: str, words: str, extra: dict[str, Any], *, edits: str = "", answers: str = "") -> Draft:
    return Draft(key, KIND, words, extra, channels=CHANNELS, roles=APPROVERS, edits=edits, answers=answers)
