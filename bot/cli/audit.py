"""`audit`: named questions to the store, the audit chain, the invariants. Reads only."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal

import typer

from bot.cli import show
from bot.cli.invocation import REFUSED, OneLineHelp, configuration, database_url, fail

if TYPE_CHECKING:
    from bot.store.chain import Head
    from bot.store.queries import AuditQuery

_HELP: Final = "Questions to the store: list, show, run, verify, invariants, export."
app = typer.Typer(cls=OneLineHelp, help=_HELP, no_args_is_help=True)

HASH_LENGTH: Final = 64
Name = Annotated[str, typer.Argument(help="A name that `audit list` shows.")]
Json = Annotated[bool, typer.Option("--json", help="For programs.")]
Csv = Annotated[bool, typer.Option("--csv", help="For spreadsheets.")]


@app.command("list")
def list_queries(json: Json = False) -> None:
    """List the named queries."""
    from bot.store.queries import QUERIES

    if json:
        show.as_json([_described(query) for query in QUERIES.values()])
        return
    rows = [(query.name, query.title, " ".join(_usage(query))) for query in QUERIES.values()]
    show.as_table(("name", "question", "parameters"), rows)


@app.command("show")
def show_query(name: Name, json: Json = False) -> None:
    """Show what a query answers, what it takes, and its SQL."""
    from bot.store.queries import find_query

    query = find_query(name)
    if json:
        show.as_json(_described(query))
        return
    print(f"{query.name}: {query.title}\n\n{query.explanation}")
    for parameter in query.parameters:
        default = "must be given" if parameter.default is None else f"default {parameter.default!r}"
        print(f"  {parameter.name}=...  {parameter.meaning} ({default})")
    print(f"\n{query.sql.strip()}")


@app.command("run")
def run_query(
    name: Name,
    parameters: Annotated[
        list[str] | None, typer.Argument(help="parameter=value; an id may be its last characters.")
    ] = None,
    csv: Csv = False,
    json: Json = False,
    wide: Annotated[bool, typer.Option("--wide", help="Every column, as it is stored.")] = False,
) -> None:
    """Run a named query and print its rows: the columns that answer it, or all with --wide, --csv and --json."""
    from bot.store import answers, queries

    query = queries.find_query(name)
    given = _given(parameters or [])
    url = _store()
    if "id" in given:
        given["id"] = queries.whole_id(url, given["id"])
    columns: Sequence[str]
    rows: Sequence[Sequence[Any]]
    columns, rows = queries.run_query(url, name, given)
    is_short = not (wide or csv or json)
    if is_short:
        short = answers.shortened(name, columns, rows, queries.last_day(url))
        columns, rows = short.heads, [[cell.shown for cell in row] for row in short.rows]
        numeric = {i for i in range(len(columns)) if short.is_numeric(i)}
        show.as_table(columns, rows, query.title, "no rows", show.NARROW, numeric)
        return
    _print(columns, rows, csv=csv, json=json, title=query.title, piped=show.PIPE_WIDTH)


def _print(
    columns: Sequence[str], rows: Sequence[Sequence[Any]], *, csv: bool, json: bool, title: str, piped: int
) -> None:
    if csv and json:
        fail("--csv and --json: choose one of them")
    if json:
        show.as_json(show.records(columns, rows))
    elif csv:
        show.as_csv(columns, rows)
    else:
        show.as_table(columns, rows, title, "no rows", piped)


@app.command()
def verify(
    head: Annotated[
        str | None, typer.Option(metavar="SEQ:HASH", help="A head that was noted before and must be there.")
    ] = None,
    json: Json = False,
) -> None:
    """Walk the whole chain of transitions, and see that it is guarded and the one whose heads were noted; exit code 1
    if a row was changed, removed or inserted, a trigger is not as it was made, or a noted head is gone."""
    from bot.store.audit import verify_chain

    noted = _head(head)
    url = _store()
    verdict = verify_chain(url, noted)
    others = _around_the_chain(url)
    found = verdict.first_break
    sound = verdict.ok and not others
    if json:
        end = {"seq": verdict.head.seq, "hash": verdict.head.hash}
        report = {"ok": sound, "rows": verdict.rows, "head": end, "first_break": found, "others": others}
        show.as_json(report)
        raise typer.Exit(0 if sound else REFUSED)
    if found is None:
        print(f"{'ok' if sound else 'whole'}: {verdict.rows} transitions, head {verdict.head.seq}:{verdict.head.hash}")
    else:
        print(f"BROKEN after {verdict.rows} sound rows: {found.kind}: {found.text}")
    for words in others:
        print(f"BROKEN {words}")
    raise typer.Exit(0 if sound else REFUSED)


def _around_the_chain(url: str) -> list[str]:
    """Return in words what is wrong with the triggers and with the heads that were noted beside the backups."""
    from bot.store.address import is_sqlite
    from bot.store.database import open_reader
    from bot.store.guards import guard_faults
    from bot.store.heads import in_words, missing

    with open_reader(url) as connection:
        faults = guard_faults(connection)
        gone = missing(connection, _heads()) if is_sqlite(url) else None
    return [*faults, *([in_words(gone)] if gone is not None else [])]


def _heads() -> Path:
    from bot.store.backup import folder_of
    from bot.store.heads import file_in

    database = configuration().settings.database
    return file_in(folder_of(database.url, database.backup_dir))


def _head(given: str | None) -> Head | None:
    from bot.domain.outside import whole_number
    from bot.store.chain import Head

    if given is None:
        return None
    seq, _, link = given.partition(":")
    number = whole_number(seq)
    if number is None or number < 0 or len(link) != HASH_LENGTH:
        fail(f"--head {given!r} must be SEQ:HASH as `audit verify` prints it")
    return Head(seq=number, hash=link.lower())


@app.command()
def invariants(
    full: Annotated[
        bool, typer.Option("--full", help="Walk the whole history, also what the newest backup verified.")
    ] = False,
    json: Json = False,
) -> None:
    """Check on the store alone what must always hold; exit code 1 if something does not. The chain is walked from the
    newest head that a backup verified, which is still there."""
    from bot.store.address import is_sqlite
    from bot.store.chain import BEGINNING
    from bot.store.database import open_reader
    from bot.store.heads import last_verified
    from bot.store.invariants import check_invariants

    config = configuration()
    settings = config.settings
    url, since = _store(), BEGINNING
    if is_sqlite(url) and not full:
        with open_reader(url) as connection:
            since = last_verified(connection, _heads())
    findings = check_invariants(
        url,
        since=since,
        protection_limit_s=settings.execution.protection_limit_s,
        quote_max_age_s=settings.risk.quote_max_age_s,
        secrets=list(config.secrets),
    )
    if json:
        show.as_json(findings)
    else:
        for finding in findings:
            print(f"{'ok    ' if finding.ok else 'BROKEN'} {finding.invariant:<4} {finding.detail}")
    raise typer.Exit(0 if all(finding.ok for finding in findings) else REFUSED)


@app.command()
def export(
    to: Annotated[
        Path | None, typer.Argument(help="A file that does not exist yet; without one: standard output.")
    ] = None,
    form: Annotated[Literal["jsonl", "csv"], typer.Option("--format", help="One line a transition.")] = "jsonl",
    after: Annotated[int, typer.Option(min=0, help="Only rows after this number.")] = 0,
) -> None:
    """Write the chain of transitions, every column as it is stored, so that anyone can check it."""
    from bot.store.audit import export_transitions

    url = _store()
    if to is None:
        export_transitions(url, sys.stdout, form, after)
        return
    try:
        with to.open("x", encoding="utf-8", newline="") as file:
            count = export_transitions(url, file, form, after)
    except FileExistsError:
        fail(f"{to} exists: an export never overwrites a file")
    except OSError as error:
        fail(f"{to} cannot be written: {error.strerror}")
    print(f"{count} transitions written to {to}")


def _store() -> str:
    from bot.store.revision import check_revision

    url = database_url()
    check_revision(url)
    return url


def _given(parameters: Sequence[str]) -> dict[str, str]:
    pairs = [parameter.partition("=") for parameter in parameters]
    for name, equals, value in pairs:
        if not equals:
            fail(f"{name!r} is not parameter=value")
        if not value:
            fail(f"{name}= has no value")
    return {name: value for name, _, value in pairs}


def _usage(query: AuditQuery) -> list[str]:
    return [f"{p.name}=..." if p.default is None else f"[{p.name}=...]" for p in query.parameters]


def _described(query: AuditQuery) -> Mapping[str, Any]:
    return {
        "name": query.name,
        "title": query.title,
        "explanation": query.explanation,
        "parameters": [{"name": p.name, "meaning": p.meaning, "default": p.default} for p in query.parameters],
        "sql": query.sql.strip(),
    }
