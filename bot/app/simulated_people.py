"""What a simulated run is told of its services: who is known, where their book is, and the keys that open them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from bot.config.alerts import AlertSettings
from bot.config.loader import LoadedConfig
from bot.config.schema import Settings
from bot.domain.addresses import is_loopback
from bot.sim.services.cast import ALERTS_CHANNEL, HOOK, MAILBOX, SENDER, SIMULATED_SECRETS, telegram_token

_HOST = "127.0.0.1"


def known_people(settings: Settings) -> list[list[Any]]:
    """Return Telegram id, name and role of whoever of `people.users` is at Telegram."""
    return [[u.telegram_id, u.name, u.role.value] for u in settings.people.users if u.telegram_id is not None]


def services_book(venue_book: Path) -> Path:
    """Return where the services' book is kept: beside the venue's, so that the two are set aside together."""
    return venue_book.with_name(venue_book.name.removesuffix(".venue.json") + ".services.json")


def mail_certificate(settings: Settings) -> Path:
    """Return where the simulated mail server's certificate is kept, made at the first start that wants one."""
    return Path(settings.sim.state_dir).resolve() / "simulated-mail.pem"


def page_address(settings: Settings) -> str:
    """Return where the bot's page will be, empty where that is not known beforehand."""
    web = settings.web
    if not web.enabled or not web.port or not is_loopback(web.host):
        return ""
    return f"http://{web.host}:{web.port}{web.base_path}/"


def _with_simulated_places(alerts: AlertSettings, ports: Mapping[str, int]) -> AlertSettings:
    """Return where alerts go in sim: places of the settings, where there are any, else the simulator's own. A receiver
    of the settings is outside, and nothing outside is contacted."""
    places: dict[str, Any] = {
        "discord": alerts.discord or {"alerts": ALERTS_CHANNEL},
        "mailboxes": alerts.mailboxes or {"owner": MAILBOX},
        "receivers": {"receiver": f"http://{_HOST}:{ports['receiver']}/{HOOK}"} if "receiver" in ports else {},
    }
    sender = {} if alerts.mailboxes else {"mail_from": SENDER}
    return alerts.model_copy(update={**places, **sender})


def at_simulated_services(config: LoadedConfig, ports: Mapping[str, int]) -> LoadedConfig:
    """Return a configuration that reaches people and models at the simulator's ports, with the simulator's own keys.

    Nothing outside is contacted in sim: whatever key and mail server were set stay unused, with services or without.
    """
    if not ports:
        mail = config.settings.smtp.model_copy(update={"host": ""})
        keyless: dict[str, Any] = dict.fromkeys(SIMULATED_SECRETS)
        nowhere = config.settings.alerts.model_copy(update={"receivers": {}})
        settings = config.settings.model_copy(update={"smtp": mail, "alerts": nowhere})
        return replace(config, settings=settings, secrets=replace(config.secrets, **keyless))
    at = {name: f"http://{_HOST}:{port}" for name, port in ports.items()}
    settings = config.settings
    tls, authority = settings.sim.services.smtp_tls, str(mail_certificate(settings))
    sim = settings.sim.model_copy(
        update={"services": settings.sim.services.model_copy(update={f"{n}_port": p for n, p in ports.items()})}
    )
    changed = {
        "telegram": settings.telegram.model_copy(update={"base_url": at["telegram"]}),
        "discord": settings.discord.model_copy(update={"base_url": at["discord"]}),
        "anthropic": settings.anthropic.model_copy(update={"base_url": at["anthropic"]}),
        "smtp": settings.smtp.model_copy(
            update={"host": _HOST, "port": ports["smtp"], "tls": tls, "ca_file": "" if tls == "none" else authority}
        ),
        "sim": sim,
        "alerts": _with_simulated_places(settings.alerts, ports),
    }
    keys: dict[str, Any] = {**SIMULATED_SECRETS, "telegram_bot_token": telegram_token(ports["telegram"])}
    secrets = replace(config.secrets, **keys)
    return replace(config, settings=settings.model_copy(update=changed), secrets=secrets)
