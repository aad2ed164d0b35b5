"""Where people and models are reached: addresses are settings, secrets stay out of the clear and out of files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from bot.config.loader import load, missing_secrets
from bot.domain.errors import ConfigError
from bot.sim.services.cast import SIMULATED_SECRETS

ROOT = Path(__file__).resolve().parents[2]


def test_a_trailing_slash_changes_no_address() -> None:
    given = {"QUANTICITY__TELEGRAM__BASE_URL": "http://127.0.0.1:9/tg/"}
    assert load(ROOT, environ=given).settings.telegram.base_url == "http://127.0.0.1:9/tg"


@pytest.mark.parametrize("section", ["telegram", "discord", "anthropic"])
@pytest.mark.parametrize("value", ["", "api.example.com", "ftp://example.com", "https://x.example/?a=1", "http://"])
def test_what_is_no_address_is_refused_by_its_key(section: str, value: str) -> None:
    with pytest.raises(ConfigError, match=rf"{section}\.base_url"):
        load(ROOT, {f"{section}.base_url": value}, {})


@pytest.mark.parametrize(
    "host, tls, taken", [("mail.example.com", "none", False), ("127.0.0.1", "none", True), ("", "none", True)]
)
def test_mail_leaves_the_machine_encrypted_or_not_at_all(host: str, tls: str, taken: bool) -> None:
    def loaded() -> Any:
        return load(ROOT, {"smtp.host": host, "smtp.tls": tls}, {}).settings.smtp

    if taken:
        assert loaded().tls == tls
        return
    with pytest.raises(ConfigError, match="in clear"):
        loaded()


@pytest.mark.parametrize(
    "section, variable",
    [("telegram", "TELEGRAM_BOT_TOKEN"), ("discord", "DISCORD_BOT_TOKEN"), ("anthropic", "ANTHROPIC_API_KEY")],
)
def test_a_secret_is_not_sent_where_others_can_read_it(section: str, variable: str) -> None:
    overrides = {"mode": "paper", f"{section}.base_url": "http://gateway.example.com"}
    told = missing_secrets(load(ROOT, overrides, {variable: "a-word-of-ours"}))
    assert any(f"{section}.base_url" in each for each in told)
    at_home = missing_secrets(
        load(ROOT, {**overrides, f"{section}.base_url": "http://127.0.0.1:9"}, {variable: "word"})
    )
    assert not any(f"{section}.base_url" in each for each in at_home)


def test_the_simulators_own_keys_are_fields_of_the_secrets() -> None:
    from bot.config.secret_words import Secrets

    assert set(SIMULATED_SECRETS) <= {name.lower() for name in Secrets.variables()}


def test_a_webhook_of_discord_is_an_address_with_id_and_token_and_its_token_is_hidden() -> None:
    from bot.config.secret_words import Secrets

    address = SIMULATED_SECRETS["discord_webhook_url"]
    assert address.rpartition("/")[2] in set(Secrets(discord_webhook_url=address))
    for given, wrong in (("https://example.org/hook", True), (address, False), ("", False)):
        told = missing_secrets(load(ROOT, {"mode": "paper"}, {"DISCORD_WEBHOOK_URL": given}))
        assert any("DISCORD_WEBHOOK_URL is not" in each for each in told) is wrong
