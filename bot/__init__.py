"""Quanticity, an automated options trader. The rooms and their floors are held in place by the contracts in pyproject.toml."""
