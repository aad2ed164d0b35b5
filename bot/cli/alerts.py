"""`alerts`: those that were raised, and the register for those who ask what one means."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from bot.cli import operator, raised_alerts, show
from bot.cli.invocation import fail

_ABOUT = (
    "# Alerts\n\n"
    "Every alert that Quanticity can raise, made from `bot/domain/notices/` by `make docs`; a test keeps it so. "
    "An alert stands on the log, on the page under *alerts*, and in the table `alert` (code, severity, "
    "text, facts, at). "
    "`python run.py alerts CODE` explains one.\n\n"
    "- **critical**: money, protection or the program's work is at stake: look now\n"
    "- **warning**: something is not as it should be, and may become worse: look today\n"
    "- **info**: good to know, or what was told before is over\n"
)
_HEAD = "| code | severity | what it means | what to do | told |\n|---|---|---|---|---|\n"


def alerts(
    code: Annotated[
        str | None, typer.Argument(help="Explain this one, say UNPROTECTED; test: send one of each.")
    ] = None,
    since: Annotated[
        str | None, typer.Option(metavar="DAY", help="From this day on: YYYY-MM-DD, today or yesterday (New York's).")
    ] = None,
    severity: Annotated[str | None, typer.Option(help="Only these: info, warning or critical.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=raised_alerts.MOST, help="The newest so many.")] = 50,
    explain: Annotated[bool, typer.Option("--explain", help="Explain every alert that there can be.")] = False,
    json: Annotated[bool, typer.Option("--json", help="For programs.")] = False,
    csv: Annotated[bool, typer.Option("--csv", help="For spreadsheets.")] = False,
    wide: Annotated[bool, typer.Option("--wide", help="Every column, texts whole.")] = False,
    wait: Annotated[float, typer.Option(min=0, help="Of `alerts test`: seconds of wall time.")] = 10.0,
    markdown: Annotated[bool, typer.Option("--markdown", help="The register, as the page docs/alerts.md.")] = False,
) -> None:
    """List the alerts that were raised, the newest last; with a code or --explain say what they mean, what to do.
    `alerts test` sends one of each level by the channels that are told of it."""
    if code == "test":
        operator.test_alerts(wait=wait, json=json, queue=False)
    elif markdown:
        typer.echo(page(), nl=False)
    elif code is not None or explain:
        _explain(code, json=json)
    else:
        raised_alerts.show_raised(since=since, severity=severity, limit=limit, json=json, csv=csv, wide=wide)


def _explain(code: str | None, *, json: bool) -> None:
    from bot.domain.notices import REGISTER, TWS_NUMBER, UnknownNotice, notice_of

    known = {**REGISTER, f"{TWS_NUMBER}...": notice_of(f"{TWS_NUMBER}0")}
    if code is not None:
        try:
            known = {code.upper(): notice_of(code.upper())}
        except UnknownNotice:
            fail(f"no alert has the code {code!r}: `alerts --explain` lists them")
    if json:
        show.as_json([_described(name, notice) for name, notice in known.items()])
    elif code is not None:
        show.as_table(("", ""), list(_described(code.upper(), known[code.upper()]).items()))
    else:
        show.as_table(("code", "severity", "what it means"), [(c, _grave(n), n.meaning) for c, n in known.items()])


def page() -> str:
    """Return docs/alerts.md."""
    from bot.domain.notices import BROKER, GROUPS, NUMBERED, TWS_NUMBER

    parts = [_ABOUT]
    for heading, rows in GROUPS.items():
        shown = {**rows, f"{TWS_NUMBER}...": NUMBERED} if rows is BROKER else rows
        parts.append(f"\n## {heading}\n\n{_HEAD}")
        parts += [
            f"| `{code}` | {_grave(each)} | {each.meaning} | {each.deed} | {each.again} |\n"
            for code, each in shown.items()
        ]
    return "".join(parts)


def _grave(notice: Any) -> str:
    return "; ".join([notice.severity, *(f"{severity} if {when}" for severity, when in notice.or_else.items())])


def _described(code: str, notice: Any) -> dict[str, str]:
    return {
        "code": code, "severity": _grave(notice), "means": notice.meaning, "do": notice.deed, "told": notice.again,
    }  # fmt: skip
