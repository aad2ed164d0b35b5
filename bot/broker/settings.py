"""What the adapter has to be told. The composition root fills it from the configuration."""

from __future__ import annotations

from dataclasses import dataclass, field

from bot.domain.universe import Universe


@dataclass(frozen=True, slots=True)
class BrokerSettings:
    """Where TWS listens, who we are there, and how long we wait; seconds are wall seconds.

    `account` empty means the only account that the login manages. `tws_zone` is the zone of execution times that come
    without one (a gateway's own setting).
    """

    host: str = "127.0.0.1"
    port: int = 7497
    client_id: int = 17
    account: str = ""
    expects_paper: bool | None = None  # True or False: an account of the other kind is refused; None: either will do
    universe: Universe = field(default_factory=Universe)
    depth_first: tuple[str, ...] = ()
    depth_then: tuple[str, ...] = ()
    depth_every_s: float = 20.0
    takes_delayed: bool = False  # where nothing live is subscribed: shown, never traded on
    line_budget: int = 100
    depth_budget: int = 3
    chain_lines: int = 8
    chain_snapshot_s: float = 15.0  # a contract of a chain without a line is asked once so often
    tape_budget: int = 3
    bars_budget: int = 10
    prints_of: tuple[str, ...] = ()
    bars_of: tuple[str, ...] = ()
    book_rows: int = 10
    handshake_timeout_s: float = 10.0
    request_timeout_s: float = 10.0
    what_if_timeout_s: float = 4.0
    probe_every_s: float = 30.0
    line_quiet_s: float = 10.0  # silence after a farm's notice, or after a word about a line, that counts
    retry_min_s: float = 0.5
    retry_max_s: float = 15.0
    paced_per_second: int = 30  # of the 45 messages that the client library sends in a second; orders have the rest
    tws_zone: str = "America/New_York"
