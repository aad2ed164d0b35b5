"""`calibration`: are the probabilities and sizes that the bot states what they say?"""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from bot.cli import show
from bot.cli.invocation import database_url, fail

if TYPE_CHECKING:
    from bot.analytics.calibration import MovesCalibrated, Reliability
    from bot.store.read.forecasts import Calibrated

_HEADS: Final = ("forecast", "by", "settled", "open", "stated", "came", "Brier", "skill")
_BUCKETS: Final = ("stated between", "count", "stated", "came", "95 % interval", "")


def calibration(
    since: Annotated[str | None, typer.Option(help="Only what was stated on this day or later.")] = None,
    json: Annotated[bool, typer.Option("--json", help="For programs.")] = False,
) -> None:
    """Are the probabilities and sizes that the bot states what they say: reliability, Brier score, realized moves.

    Each confidence, pin risk, closing direction and expected move is put down when it is stated and settled when it is
    known what came. The same figures as on the page Calibration.
    """
    from bot.store.database import open_reader
    from bot.store.read.forecasts import calibrations
    from bot.store.revision import check_revision

    url, begin = database_url(), _day(since)
    check_revision(url)
    with open_reader(url) as connection:
        found = calibrations(connection, begin)
    if json:
        show.as_json([_plain(each) for each in found])
        return
    show.as_table(_HEADS, [_row(each) for each in found], "calibration", "nothing was stated yet",
                  numeric=frozenset(range(2, len(_HEADS))))  # fmt: skip
    for each in found:
        if each.reliability is not None:
            title = f"{each.kind.value} of {each.stated_by}"
            show.as_table(_BUCKETS, _buckets(each.reliability), title, "", numeric=frozenset({1, 2, 3}))
        if each.moves is not None:
            print(_moves(each.stated_by, each.moves))


def _day(text: str | None) -> datetime | None:
    if text is None:
        return None
    try:
        return datetime.combine(date.fromisoformat(text), datetime.min.time(), UTC)
    except ValueError:
        fail(f"--since {text!r} is no day like 2026-11-20")


def _row(each: Calibrated) -> tuple[Any, ...]:
    found = each.reliability
    if found is None:
        return (each.kind.value, each.stated_by, each.count, each.open, "-", "-", "-", "-")
    skill = "-" if found.skill is None else f"{found.skill:+.3f}"
    stated, came = f"{found.stated:.1%}", f"{found.came:.1%}"
    return (each.kind.value, each.stated_by, each.count, each.open, stated, came, f"{found.brier:.4f}", skill)


def _buckets(found: Reliability) -> list[tuple[Any, ...]]:
    return [
        (f"{bucket.low:.0%} and {bucket.high:.0%}", bucket.count, f"{bucket.stated:.1%}", f"{bucket.came:.1%}",
         f"{bucket.interval[0]:.1%} to {bucket.interval[1]:.1%}", "" if bucket.is_within else "off")
        for bucket in found.buckets
    ]  # fmt: skip


def _moves(by: str, found: MovesCalibrated) -> str:
    around = "" if found.interval is None else f" ({found.interval[0]:.2f} to {found.interval[1]:.2f})"
    return f"{by}: {found.count} moves, realized / implied {found.mean:.2f}{around}, {found.beyond:.0%} went further"


def _plain(each: Calibrated) -> dict[str, Any]:
    return {
        "kind": each.kind.value, "stated_by": each.stated_by, "settled": each.count, "open": each.open,
        "void": each.void, "reliability": asdict(each.reliability) if each.reliability else None,
        "moves": asdict(each.moves) if each.moves else None,
    }  # fmt: skip
