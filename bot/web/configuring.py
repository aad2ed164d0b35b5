"""The configurations: versions, when each was in force and who had it read, and what differs between two."""

from __future__ import annotations

from flask import Blueprint, render_template, request

from bot.store.read.configs import differences, versions
from bot.web.store_reader import reader

blueprint = Blueprint("configuring", __name__)


@blueprint.get("/config")
def page() -> str:
    """Of two versions that the address names, else of the newest and the one before, what differs."""
    rows = reader().look(versions)
    newest, before = (rows[0].id if rows else ""), (rows[1].id if len(rows) > 1 else "")
    after, base = request.args.get("after", newest), request.args.get("before", before)
    known = {row.id for row in rows}
    found = reader().look(lambda c: differences(c, base, after)) if {after, base} <= known else None
    return render_template("web/config.html", active="Config", rows=rows, after=after, before=base, found=found)
