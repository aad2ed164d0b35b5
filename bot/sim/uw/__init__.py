"""The UW face of the simulated venue: an HTTP server with Unusual Whales' paths and shapes over the market model.

`source` says what it needs of the model and `model_source` reads that off it; `query` reads parameters, `rows` writes
the vendor's fields, `routes` is the table of endpoints, `limits` counts, `server` listens, `in_process` answers
a replay without a socket.
"""

from bot.sim.uw.in_process import InProcessTransport
from bot.sim.uw.limits import UwLimits
from bot.sim.uw.server import UwFace

__all__ = ["InProcessTransport", "UwFace", "UwLimits"]
