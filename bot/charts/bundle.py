"""Vega-Lite's JavaScript, put into the environment by `make setup` and served by the page: no outside host, no node.

`python -m bot.charts.bundle` asks vl-convert for the bundle (the same bytes on each call), holds it against the sha256
in `vega.lock` and writes it with its compressed form and a manifest into `share/quanticity` of the environment.
`python -m bot.charts.bundle --lock` writes `vega.lock` anew, after a new version of the package.
"""

from __future__ import annotations

import base64
import gzip
import hashlib
import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

LOCK: Final = Path(__file__).resolve().parents[2] / "vega.lock"
FIX: Final = "run `make setup`, which writes it"
_DISTRIBUTION: Final = "vl-convert-python"


@dataclass(frozen=True, slots=True)
class Bundle:
    """`file` lies in `folder`; `integrity` is for the script tag."""

    folder: Path
    file: str
    version: str
    integrity: str


def home() -> Path:
    """Return where the environment keeps the bundle."""
    return Path(sys.prefix) / "share" / "quanticity"


def bundle(folder: Path) -> Bundle | None:
    """Return the bundle that lies in a folder, None where `make setup` has not written it."""
    try:
        told = json.loads((folder / "manifest.json").read_text())
        found = Bundle(folder, str(told["file"]), str(told["version"]), str(told["integrity"]))
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return found if (folder / found.file).is_file() else None


def write(folder: Path, wanted: str | None) -> Bundle:
    """Write the bundle; `wanted` is the sha256 that it must have. Raises ValueError for any other."""
    from importlib.metadata import version

    import vl_convert

    script = vl_convert.javascript_bundle().encode()  # type: ignore[call-arg]  # the stub forgets the default
    digest = hashlib.sha256(script).hexdigest()
    if wanted is not None and digest != wanted:
        raise ValueError(f"vl-convert's bundle has sha256 {digest}, vega.lock says {wanted}")
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.glob("vega-*.js*"):
        old.unlink()
    integrity = f"sha384-{base64.b64encode(hashlib.sha384(script).digest()).decode()}"
    made = Bundle(folder, f"vega-{digest[:12]}.js", version(_DISTRIBUTION), integrity)
    (folder / made.file).write_bytes(script)
    (folder / f"{made.file}.gz").write_bytes(gzip.compress(script, 9, mtime=0))
    told = {"file": made.file, "version": made.version, "sha256": digest, "integrity": made.integrity}
    (folder / "manifest.json").write_text(json.dumps(told, indent=2) + "\n")
    return made


def main(given: Sequence[str]) -> int:
    """Write bundle or lock; exit code 1 when the bundle is another than the locked one."""
    if "--lock" in given:
        import vl_convert

        LOCK.write_text(hashlib.sha256(vl_convert.javascript_bundle().encode()).hexdigest() + "\n")  # type: ignore[call-arg]  # the stub forgets the default
        return 0
    try:
        made = write(home(), LOCK.read_text().strip())
    except ValueError as wrong:
        sys.stderr.write(f"charts: {wrong}\n")
        return 1
    sys.stdout.write(f"charts: {made.file} of vl-convert {made.version} in {made.folder}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
