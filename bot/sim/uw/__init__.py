"""The UW face of the simulated venue: an HTTP server with Unusual Whales' paths and shapes over the market model.

`source` says what it needs of the model and `model_source` reads that off it; `query` reads parameters, `rows` writes
the vendor's fields, `routes` is the table of endpoints, `limits` counts, `face` listens.
"""

from bot.sim.uw.face import InProcessTransport, UwFace
from bot.sim.uw.limits import UwLimits

__all__ = ["InProcessTransport", "UwFace", "UwLimits"]
