"""A chart as a file, for chats, reports and the command line: drawn in a child that ends, for the library takes 223 MB
to draw one.

`python -m bot.charts.picture [png|svg|html]` reads a specification as JSON on its standard input and writes the
picture; an HTML page has its library inside and asks nothing of any other host.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Final

from bot.charts.chart import Chart
from bot.charts.vega import coloured, specification

TIMEOUT_S: Final = 30.0
SCALE: Final = 2.0
FORMS: Final = ("png", "svg", "html")
_ROOT: Final = Path(__file__).resolve().parents[2]


class NotDrawn(RuntimeError):
    """The child did not draw: its last words."""


def png(chart: Chart, width: int = 760) -> bytes:
    """Return a chart as PNG in light colours; raises NotDrawn."""
    return drawn(chart, "png", width)


def drawn(chart: Chart, form: str, width: int = 760) -> bytes:
    """Return a chart as one of FORMS in light colours; raises NotDrawn."""
    spec = coloured(specification(chart, width)) | {"background": "#ffffff", "padding": 12}
    command = [sys.executable, "-m", "bot.charts.picture", form]
    asked = json.dumps(spec).encode()
    try:
        done = subprocess.run(command, input=asked, capture_output=True, timeout=TIMEOUT_S, cwd=_ROOT, check=False)  # noqa: S603  # our own module
    except subprocess.TimeoutExpired as late:
        raise NotDrawn(f"no picture within {TIMEOUT_S:g} s") from late
    if done.returncode or not done.stdout:
        raise NotDrawn(done.stderr.decode(errors="replace").strip()[-300:] or f"exit code {done.returncode}")
    return done.stdout


def main() -> int:
    """Draw what stands on standard input."""
    import vl_convert

    spec, form = json.load(sys.stdin), sys.argv[1] if len(sys.argv) > 1 else "png"
    match form:
        case "svg":
            found = vl_convert.vegalite_to_svg(spec).encode()
        case "html":
            found = vl_convert.vegalite_to_html(spec, bundle=True).encode()
        case _:
            found = vl_convert.vegalite_to_png(spec, scale=SCALE)
    sys.stdout.buffer.write(found)
    return 0


if __name__ == "__main__":
    sys.exit(main())
