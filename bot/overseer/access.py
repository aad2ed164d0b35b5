"""Whether there is a model to ask, and whether anybody watches at all."""

from __future__ import annotations

from bot.config.schema import Mode, Settings
from bot.config.secret_words import Secrets


def is_overseen(settings: Settings, secrets: Secrets) -> bool:
    """Say whether a signal may wait for a verdict: the overseer runs, and has a known model and a key."""
    overseer = settings.overseer
    return overseer.enabled and overseer.model in overseer.models and bool(secrets.anthropic_api_key)


def watches(settings: Settings) -> bool:
    """Say whether the rules watch; in a simulation they come with the other simulated services."""
    return settings.overseer.enabled and (settings.mode is not Mode.SIM or settings.sim.services.enabled)
