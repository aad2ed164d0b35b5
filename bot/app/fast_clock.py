"""What a fast simulated clock asks of the limits: no age can be judged finer than sockets and ticks let through.

At 240 times real time a quarter of a wall second is a minute: quotes that are sent every 20 ms of wall time are already
seconds old, and an answer that takes 50 ms took 12 s. So limits on the age of inputs and on the broker's answers are at
least a fixed span of wall time. At real time, and in replay, nothing changes.
"""

from __future__ import annotations

from bot.config.overseer import WatchSettings
from bot.config.schema import ApprovalMode, Settings, StrategySettings

INPUT_WALL_S = 0.25
ANSWER_WALL_S = 1.0
PROTECTION_WALL_S = ANSWER_WALL_S + INPUT_WALL_S
"""A stop is sent by a tick and works with the broker's answer: its limit can be no shorter than theirs together."""
PERSON_WALL_S = 45.0


_FROM_THE_BROKER = frozenset({"price_max_age_s", "book_max_age_s"})


def _aged(section: StrategySettings, inputs: float, answers: float) -> StrategySettings:
    """Return a strategy's section with room for the ages of what it decides on: what the broker streams, what a vendor
    is asked for."""
    ages = {name: getattr(section, name) for name in type(section).model_fields if name.endswith("_max_age_s")}
    least = {name: inputs if name in _FROM_THE_BROKER else answers for name in ages}
    return section.model_copy(update={name: max(age, least[name]) for name, age in ages.items()})


def _watched(watch: WatchSettings, speed: float) -> WatchSettings:
    """Return the overseer's limits with room for a vendor's answer and its own look, and for a stop on its way."""
    least = 2 * ANSWER_WALL_S * speed
    spans = {name: max(getattr(watch, name), least) for name in ("heartbeat_s", "differs_s", "doubt_s")}
    ages = {name: max(age, least) for name, age in watch.ages.items()}
    bare = max(watch.unprotected_s, PROTECTION_WALL_S * speed)
    return watch.model_copy(update={**spans, "ages": ages, "unprotected_s": bare})


def paced(settings: Settings, speed: float) -> Settings:
    """Return the settings with limits on ages and answers that a clock of this speed can meet."""
    inputs, answers = INPUT_WALL_S * speed, ANSWER_WALL_S * speed
    if speed <= 1:
        return settings
    engine = settings.engine.model_copy(
        update={
            "ack_seconds": max(settings.engine.ack_seconds, answers),
            "absence_grace_s": max(settings.engine.absence_grace_s, inputs),
            "doubt_alert_s": max(settings.engine.doubt_alert_s, 2 * answers),
            "broker_clock_limit_s": max(settings.engine.broker_clock_limit_s, 2 * answers),
        }
    )
    execution = settings.execution.model_copy(
        update={
            "protection_limit_s": max(settings.execution.protection_limit_s, PROTECTION_WALL_S * speed),
            "exit_alert_s": max(settings.execution.exit_alert_s, 2 * answers),
        }
    )
    risk = settings.risk.model_copy(
        update={
            "quote_max_age_s": max(settings.risk.quote_max_age_s, inputs),
            "what_if_max_age_s": max(settings.risk.what_if_max_age_s, answers),
            "uw_silent_s": max(settings.risk.uw_silent_s, 2 * answers),
            "equity_max_age_s": max(settings.risk.equity_max_age_s, 3 * answers),
            "pnl_max_age_s": max(settings.risk.pnl_max_age_s, 3 * answers),
            "tws_gone_s": max(settings.risk.tws_gone_s, answers),
        }
    )
    strategies = settings.strategies.model_copy(
        update={name: _aged(each, inputs, answers) for name, each in settings.strategies.sections().items()}
    )
    approval = settings.approval
    if approval.mode is not ApprovalMode.AUTO:
        # A person answers in wall time; what they approve is validated anew anyway.
        ttl = max(approval.signal_ttl_s, PERSON_WALL_S * speed)
        approval = approval.model_copy(update={"signal_ttl_s": ttl})
    overseer = settings.overseer.model_copy(update={"watch": _watched(settings.overseer.watch, speed)})
    changed = {
        "engine": engine, "execution": execution, "risk": risk, "strategies": strategies, "approval": approval,
        "overseer": overseer,
    }  # fmt: skip
    return settings.model_copy(update=changed)
