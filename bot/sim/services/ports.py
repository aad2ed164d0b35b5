"""The services' ports, taken before the services are loaded, so that the venue can name them at once: who connects
meanwhile waits in the port's own queue."""

from __future__ import annotations

import socket
from collections.abc import Mapping
from typing import Final

from bot.domain.errors import ConfigError

HOST: Final = "127.0.0.1"
_QUEUE: Final = 100


def taken_ports(ports: Mapping[str, int]) -> dict[str, socket.socket]:
    """Return a listening socket for each name; port 0 is any free one. Raises ConfigError naming the setting."""
    taken: dict[str, socket.socket] = {}
    for name, port in ports.items():
        listening = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listening.bind((HOST, port))
            listening.listen(_QUEUE)
        except OSError as error:
            for each in (listening, *taken.values()):
                each.close()
            words = f"sim.services.{name}_port {port}: {error.strerror or error}"
            raise ConfigError(f"{words}; choose a free port, or 0 for any") from error
        listening.setblocking(False)
        taken[name] = listening
    return taken
