"""`analyze`: what the product's measures say of recorded data in a file, without a bot."""

from __future__ import annotations

import gzip
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from bot.analytics.exposure import Convention, DayCount, Dealers, FlipBy, GammaFrom, GammaUnit
from bot.cli import show
from bot.cli.invocation import OneLineHelp, fail

if TYPE_CHECKING:
    from bot.analytics.chain_report import ChainReport

app = typer.Typer(
    cls=OneLineHelp, no_args_is_help=True, help="Measures of recorded data in a file: a chain of options and more."
)

_GZIP: Final = b"\x1f\x8b"
_LARGEST: Final = 256 * 1024 * 1024


@app.callback()
def _about() -> None:
    """A group, also while it has one command."""


@app.command()
def chain(
    file: Annotated[Path, typer.Argument(help="A Cboe quote table: CSV, plain or gzip.")],
    flip: Annotated[
        FlipBy, typer.Option(help="The zero of the chain re-priced over the price, or the crossing between strikes.")
    ] = FlipBy.REPRICED,
    unit: Annotated[GammaUnit, typer.Option(help="GEX for a move of 1 %, of one dollar, or in shares.")] = (
        GammaUnit.PERCENT
    ),
    dealers: Annotated[Dealers, typer.Option(help="What dealers are taken to hold.")] = Dealers.LONG_CALLS_SHORT_PUTS,
    gamma: Annotated[GammaFrom, typer.Option(help="The quoted gamma, or Black and Scholes' at the quoted IV.")] = (
        GammaFrom.QUOTED
    ),
    days: Annotated[DayCount, typer.Option(help="How the time to an expiry is counted.")] = DayCount.CALENDAR_365,
    rows: Annotated[int, typer.Option(min=5, max=200, help="Strikes in the chart of text, around the price.")] = 24,
    chart: Annotated[
        Path | None, typer.Option(help="Write the chart there: .png, .svg or .html (with its library inside).")
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="For programs.")] = False,
) -> None:
    """Dealers' exposure of a whole chain from a file: total GEX and DEX, flip, pin, walls, max pain, vanna, charm, and
    GEX by strike as a chart.

    FILE is the quote table that Cboe's page downloads, in either style of its dates. Its own price and moment hold.
    """
    from bot.analytics.chain_report import chain_report

    _fit(chart)
    with show.at_work(f"reading {file.name}"):
        table = _table(file)
    with show.at_work(f"{len(table.rows):,} contracts"):
        found = chain_report(table.rows, table.spot, table.quoted_at, Convention(unit, dealers, gamma, flip, days))
    if found.exposure.is_empty:
        fail(
            f"{file}: none of its {found.exposure.seen:,} contracts has gamma with open interest and time left at"
            f" {table.quoted_at:%Y-%m-%d %H:%M} UTC, so there is no exposure"
        )
    if json:
        show.as_json(_plain(table, found))
    else:
        from bot.cli.chain_text import chain_text

        print(chain_text(table, found, rows))
    if chart is not None:
        _write(chart, table.name, found)


@app.command()
def lobster(
    messages: Annotated[Path, typer.Argument(help="LOBSTER's messages: CSV, plain or gzip.")],
    best: Annotated[Path, typer.Argument(help="The best quotes after each message, a row each.")],
    bucket: Annotated[int, typer.Option(min=1, max=1_000_000, help="Shares in a bucket of VPIN.")] = 100,
    json: Annotated[bool, typer.Option("--json", help="For programs.")] = False,
) -> None:
    """An order book's labelled messages: hidden orders by two rules with precision, recall and F1, VPIN by both
    classifications, and how often the best quotes leaned to where the price went."""
    from dataclasses import asdict

    from bot.analytics.tape_report import tape_report
    from bot.domain.recording import RecordingFault
    from bot.record.imports.lobster import tape

    try:
        with show.at_work(f"reading {messages.name}"):
            found = tape_report(tape(messages, best), bucket)
    except RecordingFault as error:
        fail(str(error))
    rules = {"naive": found.naive, "inside": found.better}
    scores = {name: {"precision": rule.precision, "recall": rule.recall, "f1": rule.f1} for name, rule in rules.items()}
    if json:
        show.as_json({**asdict(found), "scores": scores})
        return
    print(f"{found.events:,} messages, {found.prints:,} prints, {found.hidden:,} of them met a hidden order")
    for name, each in scores.items():
        told = ", ".join(f"{word} {value:.3f}" for word, value in each.items())
        print(f"hidden by the {name} rule   {told}")
    vpins = [("by the quote", found.vpin), ("in bulk", found.vpin_bulk)]
    for name, vpin in vpins:
        print(f"VPIN {name}   {'–' if vpin is None else f'{vpin:.3f}'}   (buckets of {bucket:,} shares)")
    right = f"{found.right / found.moves:.1%}" if found.moves else "–"
    print(f"the best quotes leaned to where the price went in {right} of {found.moves:,} moves")


def _table(file: Path) -> Any:
    from bot.feeds.quote_table import read_quote_table

    try:
        if file.stat().st_size > _LARGEST:
            fail(f"{file}: {file.stat().st_size:,} bytes, at most {_LARGEST:,} are read")
        found = file.read_bytes()
        raw = gzip.decompress(found) if found.startswith(_GZIP) else found
    except (OSError, EOFError) as error:
        fail(f"{file}: {error.strerror if isinstance(error, OSError) and error.strerror else error}")
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        fail(f"{file}: byte {error.start} is no UTF-8 text, so this is no quote table")
    return read_quote_table(text, str(file))


def _fit(chart: Path | None) -> None:
    from bot.charts.picture import FORMS

    if chart is None:
        return
    if chart.suffix.lower().lstrip(".") not in FORMS:
        fail(f"--chart {chart}: the name has to end in {', '.join('.' + form for form in FORMS)}")
    if not chart.absolute().parent.is_dir():
        fail(f"--chart {chart}: {chart.absolute().parent} is no directory")


def _write(path: Path, name: str, found: ChainReport) -> None:
    from bot.charts.gamma import gamma_chart
    from bot.charts.picture import NotDrawn, drawn

    with show.at_work(f"drawing {path.name}"):
        try:
            picture = drawn(
                gamma_chart(name, found.exposure, found.flip, found.profile, found.unit),
                path.suffix.lower().lstrip("."),
            )
            path.write_bytes(picture)
        except NotDrawn as error:
            fail(f"--chart {path}: not drawn: {error}")
        except OSError as error:
            fail(f"--chart {path}: {error.strerror or error}")


def _plain(table: Any, found: ChainReport) -> dict[str, Any]:
    total, walls = found.exposure.total, found.exposure.walls
    return {
        "name": table.name, "spot": table.spot, "quoted_at": table.quoted_at, "contracts": found.exposure.seen,
        "counted": found.exposure.counted, "left_out": len(table.left_out), "unit": found.unit,
        "gex_total": total.gex, "call_gex": total.call_gex, "put_gex": total.put_gex, "dex_total": total.dex,
        "vanna": total.vanna, "charm": total.charm, "flip": found.flip, "pin": found.exposure.pin,
        "call_wall": walls.call, "put_wall": walls.put,
        "expiries": [
            {"expiry": each.expiry, "gex": each.gex, "dex": each.dex, "max_pain": each.max_pain,
             "pin_risk": each.pin_risk, "contracts": each.contracts}
            for each in found.expiries
        ],
        "by_strike": {f"{strike:g}": found.exposure.by_strike[strike].gex for strike in found.exposure.strikes},
        "unusual": [
            {"expiry": row.expiry, "right": "C" if row.call else "P", "strike": row.strike, "volume": row.volume,
             "open_interest": row.open_interest}
            for row in found.unusual
        ],
    }  # fmt: skip
