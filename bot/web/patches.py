"""What changed between two renderings of a part, small enough to send every second.

Context: a part holds ages and quotes, so some character of it is new in every second, and sending it whole cost 37 kB/s
with nothing going on. Decision: lines are compared; a line that changed says what stands between its unchanged ends.
Consequence: the browser keeps the text that it was sent and applies patches in order; a new stream begins whole.
"""

from __future__ import annotations

from difflib import SequenceMatcher
from typing import Final

Patch = list[list[object]]
"""In the order of the old lines, from the last to the first, so that no number shifts under the ones still to come:
`[line, cut, [lines]]` puts lines in place of `cut` lines; `[line, start, cut, text]` text in place of `cut` letters."""

WIDEST: Final = 0xFFFF  # beyond it JavaScript counts a letter as two


def patch(old: str, new: str) -> Patch:
    """Return what makes `new` of `old`; both are split at line feeds."""
    before, after = old.split("\n"), new.split("\n")
    if len(before) == len(after):
        steps = [_line(i, a, b) for i, (a, b) in enumerate(zip(before, after, strict=True)) if a != b]
    else:
        steps = _moved(before, after)
    return steps[::-1]


def _moved(before: list[str], after: list[str]) -> Patch:
    codes = SequenceMatcher(None, before, after, autojunk=False).get_opcodes()
    return [[i, j - i, after[k:m]] for tag, i, j, k, m in codes if tag != "equal"]


def _line(number: int, old: str, new: str) -> list[object]:
    if max(old + new) > chr(WIDEST):
        return [number, 1, [new]]
    shorter = min(len(old), len(new))
    start = next((i for i in range(shorter) if old[i] != new[i]), shorter)
    end = next((i for i in range(shorter - start) if old[-1 - i] != new[-1 - i]), shorter - start)
    return [number, start, len(old) - end - start, new[start : len(new) - end]]


def applied(old: str, steps: Patch) -> str:
    """Return `old` with a patch applied: what the page's script does, said once more for tests and other readers."""
    lines = old.split("\n")
    for step in steps:
        match step:
            case [int(line), int(cut), list(fresh)]:
                lines[line : line + cut] = fresh
            case [int(line), int(start), int(cut), str(text)]:
                lines[line] = lines[line][:start] + text + lines[line][start + cut :]
    return "\n".join(lines)
