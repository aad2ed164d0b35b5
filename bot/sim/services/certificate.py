"""A certificate of the simulator's own, so that its mail server can be spoken to as real ones are: with TLS, checked.

It is made by `openssl`, which every Debian has; who trusts it says so by a setting (`smtp.ca_file`), nobody else does.
"""

from __future__ import annotations

import os
import ssl
import subprocess
from pathlib import Path
from typing import Final

from bot.domain.errors import ConfigError

_DAYS: Final = "825"
_COMMAND: Final = (
    "openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", _DAYS,
    "-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1,DNS:localhost",
)  # fmt: skip
_TIMEOUT_S: Final = 30.0


def server_context(certificate: Path) -> ssl.SSLContext:
    """Return what a server of this machine speaks TLS by; certificate and key (beside it) are made where they are
    missing. Raises ConfigError where they cannot be."""
    key = certificate.with_suffix(".key")
    if not (certificate.exists() and key.exists()):
        _make(certificate, key)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    try:
        context.load_cert_chain(certificate, key)
    except (ssl.SSLError, OSError) as error:
        raise ConfigError(f"sim.services.smtp_tls: {certificate} is no certificate ({error}); remove it") from error
    return context


def _make(certificate: Path, key: Path) -> None:
    certificate.parent.mkdir(parents=True, exist_ok=True)
    before = os.umask(0o077)
    try:
        done = subprocess.run(  # noqa: S603  # a fixed command
            [*_COMMAND, "-keyout", str(key), "-out", str(certificate)],
            capture_output=True, timeout=_TIMEOUT_S, check=False,
        )  # fmt: skip
    except (OSError, subprocess.TimeoutExpired) as error:
        raise ConfigError(f"sim.services.smtp_tls needs openssl to make a certificate: {error}; or set none") from error
    finally:
        os.umask(before)
    if done.returncode:
        words = done.stderr.decode(errors="replace").strip()[-200:]
        raise ConfigError(f"sim.services.smtp_tls: openssl made no certificate: {words}; or set none")
