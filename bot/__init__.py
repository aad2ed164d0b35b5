"""Quanticity, an automated options trader. The contracts in pyproject.toml hold its rooms to their floors."""
