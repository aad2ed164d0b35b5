"""What is this machine, and what can be read on the way."""

from __future__ import annotations

import ast

import pytest

from bot.domain.addresses import is_loopback, is_readable_on_the_way
from tests.sources import with_any


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "127.9.9.9", "::1", "[::1]", "localhost", "LOCALHOST", "::ffff:127.0.0.1"]
)
def test_this_machine(host: str) -> None:
    assert is_loopback(host)


@pytest.mark.parametrize(
    "host",
    ["0.0.0.0", "::", "10.0.0.1", "example.org", "127.0.0.1.evil", "127.evil.example", "127.1", "", "localhost.evil"],
)
def test_any_other(host: str) -> None:
    assert not is_loopback(host)


@pytest.mark.parametrize(
    "address", ["http://vendor.example", "http://127.evil.example/x", "http://[::1", "ftp://10.0.0.1"]
)
def test_a_secret_sent_there_can_be_read(address: str) -> None:
    assert is_readable_on_the_way(address)


@pytest.mark.parametrize(
    "address", ["https://vendor.example", "http://127.0.0.1:9", "http://[::1]:9/x", "http://localhost"]
)
def test_a_secret_sent_there_stays_one(address: str) -> None:
    assert not is_readable_on_the_way(address)


def test_the_house_has_one_answer() -> None:
    found = [
        path
        for path, tree in with_any("def is_loopback").items()
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef) and node.name == "is_loopback"
    ]
    assert found == ["bot/domain/addresses.py"]
