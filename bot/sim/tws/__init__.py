"""The TWS face of the simulated venue: a TCP server that any TWS API client can connect to and trade on.

`wire` frames bytes and spells values; `requests` and `order_requests` decode what clients say, `messages`, `listings`
and `order_messages` encode what the venue answers, each by negotiated server version; `session` is one connection;
`desk` turns venue events into what each client is told; `server` listens. Only facts about the protocol are in here:
prices, fills and money come from the venue.
"""

from bot.sim.tws.limits import ClientLimits
from bot.sim.tws.server import TwsFace

__all__ = ["ClientLimits", "TwsFace"]
