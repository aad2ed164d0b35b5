"""The page's process is watched: one that ends, and one that hangs, is noticed."""

from __future__ import annotations

import asyncio
import sys

import pytest

from bot.app import page_process as keeping
from bot.app.child_process import Child

ANSWERS = """
import socket, sys
listening = socket.create_server(("127.0.0.1", 0))
print("web ready http://127.0.0.1:%d/" % listening.getsockname()[1], flush=True)
for number in range(int(sys.argv[1])):
    taken = listening.accept()[0]
    taken.recv(1000)
    taken.sendall(b"HTTP/1.1 503 no\\r\\n\\r\\n")
    taken.close()
if sys.argv[2] == "hang":
    sys.stdin.read()
"""


@pytest.mark.parametrize(
    "then, look_s, words", [("hang", 0.0, "has not answered 3 times in a row"), ("end", 1.0, "ended")]
)
async def test_a_page_that_hangs_is_noticed(
    monkeypatch: pytest.MonkeyPatch, then: str, look_s: float, words: str
) -> None:
    monkeypatch.setattr(keeping, "_LOOK_S", look_s)
    monkeypatch.setattr(keeping, "_ANSWER_S", 0.5)
    child = Child("page", ["-c", ANSWERS, "2" if then == "hang" else "0", then])
    await child.start()
    try:
        address = (await child.ready_line("web ready ")).split()[-1].rstrip("/")
        assert await keeping._end_of(child, address) == words
    finally:
        await child.stop()


async def test_any_answer_is_an_answer_and_none_is_none() -> None:
    assert not await keeping.answers("http://127.0.0.1:9")
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", ANSWERS, "1", "end", stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None
    address = (await process.stdout.readline()).decode().split()[-1].rstrip("/")
    assert await keeping.answers(address)
    await process.wait()
