"""Work of once or twice a day, in a process of its own that ends with it: backups, the day's summary.

A module that does such work ends with `sys.exit(serve(...))` for when it is the program; who asks for it names the
module and imports nothing of it. Both works read the store's whole history. In a thread that took turns with the tick
for the interpreter, and left behind what reading loads, compiles and touches, for good: up to 2 MB the summary, up to
1 MB the backups, found by a soak. A process leaves nothing and runs beside.

The question goes in on standard input, never on the command line: an address may hold a password.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import sys
from collections.abc import Callable, Mapping
from typing import Any, Final

from bot.app.child_process import ROOT, ChildFailed, without_secrets
from bot.domain.errors import BotError

Question = Mapping[str, Any]

LONGEST_S: Final = 900.0
"""Wall seconds; a year's store is copied and verified in seconds."""
_END_WITHIN_S: Final = 1.5


async def ask(module: str, work: str, question: Question, longest_s: float = LONGEST_S) -> Any:
    """Return the answer of a module's work, called `work` in what is said of it; raises ChildFailed when it could not
    be started, failed or took too long.

    Cancelled, it ends the process before it returns.
    """
    try:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", module,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            env={**without_secrets(os.environ), "PYTHONPATH": str(ROOT)},
            start_new_session=True,  # Ctrl-C is for the bot
        )  # fmt: skip
    except OSError as error:
        raise ChildFailed(f"the {work} could not be started: {error}") from error
    try:
        async with asyncio.timeout(longest_s):
            answer, said = await process.communicate(json.dumps(question).encode())
    except TimeoutError as error:
        raise ChildFailed(f"the {work} took longer than {longest_s:g} s") from error
    finally:
        await _end(process)
    if process.returncode:
        last_words = (said.decode(errors="replace").strip().splitlines() or ["no message"])[-1]
        raise ChildFailed(f"the {work} ended with code {process.returncode}: {last_words}")
    return json.loads(answer)


async def _end(process: asyncio.subprocess.Process) -> None:
    """Ask a process to end that still runs, so that it removes what is half done; then force it."""
    if process.returncode is not None:
        return
    with contextlib.suppress(ProcessLookupError):
        process.terminate()
    try:
        await asyncio.wait_for(process.wait(), _END_WITHIN_S)
    except TimeoutError:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()


# ---- in the process itself


def serve(work: Callable[[Question], Any]) -> int:
    """Be the process: do the work once and return the exit code. Question and answer are JSON, a refusal is one line on
    standard error."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # what is half done is removed on the way out
    try:
        answer = work(json.load(sys.stdin))
    except BotError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    json.dump(answer, sys.stdout)
    return 0
