"""Network addresses: the one answer to "is this our own machine?", and to "would a secret be readable on the way?"."""

from __future__ import annotations

import ipaddress
from typing import Final
from urllib.parse import urlsplit

OUR_NAMES: Final = frozenset({"localhost", "localhost."})


def is_loopback(host: str) -> bool:
    """Say whether a bind address or host name is this machine only; a name that merely begins like one is not."""
    if host.lower() in OUR_NAMES:
        return True
    try:
        address = ipaddress.ip_address(host.removeprefix("[").removesuffix("]"))
    except ValueError:
        return False
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return (mapped or address).is_loopback


def is_readable_on_the_way(address: str) -> bool:
    """Say whether what is sent to this URL can be read by others: anything but https that leaves the machine."""
    try:
        parts = urlsplit(address)
        return parts.scheme.lower() != "https" and not is_loopback(parts.hostname or "")
    except ValueError:
        return True
