"""What a scenario says of the services: its faults by the clock, how the model behaves, what goes wrong by chance."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field

from bot.sim.services.faults import ServiceFault
from bot.sim.services.model import ModelMode


class ServicesScript(BaseModel):
    """The section `services` of a scenario. Times of day are New York's, `for_seconds` of the simulated clock."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    faults: list[ServiceFault] = Field(default_factory=list)
    model: ModelMode = ModelMode.RULES
    random_share: float = Field(0.0, ge=0, le=1, description="of all requests meets a fault, by the scenario's seed")
