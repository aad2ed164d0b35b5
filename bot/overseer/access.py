"""Whether there is a model to ask, and with which key."""

from __future__ import annotations

from typing import Final

from bot.config.schema import Mode, Settings
from bot.config.secret_words import Secrets

SIMULATED: Final = "simulated-no-key-needed"
"""What the simulated model is given where no key is set."""


def model_key(settings: Settings, secrets: Secrets) -> str:
    """Return the key to call the model with; empty: nobody is asked, and the rules' texts stand."""
    if secrets.anthropic_api_key:
        return secrets.anthropic_api_key
    return SIMULATED if settings.mode is Mode.SIM and settings.sim.services.enabled else ""


def is_overseen(settings: Settings, secrets: Secrets) -> bool:
    """Say whether a signal may wait for a verdict: the overseer runs, and has a known model and a key."""
    overseer = settings.overseer
    return overseer.enabled and overseer.model in overseer.models and bool(model_key(settings, secrets))
