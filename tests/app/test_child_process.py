"""Child processes are given what they need and no more."""

from __future__ import annotations

import json

import pytest

from bot.app.child_process import Child

SHOW = "import json, os; print('ready', json.dumps(dict(os.environ)), flush=True)"


async def test_a_child_is_handed_its_own_secret_and_none_of_the_bots(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("UW_API_KEY", "of the bot")
    monkeypatch.setenv("TELEGRAM_BOT_TOKEN", "of the bot")
    monkeypatch.setenv("A_STORE", "postgresql://trader:of the bot@db/quanticity".replace(" ", "-"))
    monkeypatch.setenv("A_PLACE", "kept")
    child = Child("page", ["-c", SHOW], {"WEB_LOGIN_TOKEN": "its own"})
    await child.start()
    try:
        seen = json.loads((await child.ready_line("ready ")).partition(" ")[2])
    finally:
        await child.stop()
    assert not {"UW_API_KEY", "TELEGRAM_BOT_TOKEN", "A_STORE"} & seen.keys()
    assert (seen["A_PLACE"], seen["WEB_LOGIN_TOKEN"]) == ("kept", "its own")
