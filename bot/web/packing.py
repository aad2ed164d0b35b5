"""Answers made small and asked for again cheaply: gzip for text of size, names of static files with their hash, and 304
for who has the same already.

What is compressed holds the form's token beside what the address says; the cookie is SameSite=Lax, so that no other
site's request comes with a login and could measure the two together.
"""

from __future__ import annotations

import gzip
import re
import zlib
from collections.abc import Iterable, Iterator
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Final

from flask import Flask, Response, request

from bot.web.plots import FOREVER

LEAST: Final = 860
"""Bytes from which an answer is compressed: below, it fits into one packet anyway."""
LEVEL: Final = 5
TEXT: Final = ("text/html", "text/css", "text/csv", "text/javascript", "text/plain", "application/json",
               "application/javascript", "image/svg+xml")  # fmt: skip
TAGGED: Final = frozenset({"application/json"})
HASH_DIGITS: Final = 12


def install(app: Flask) -> None:
    """Have every answer of an application packed; templates name static files by `static_of`."""
    folder = Path(app.static_folder or "")

    @cache
    def digest(name: str) -> str:
        return sha256((folder / name).read_bytes()).hexdigest()[:HASH_DIGITS]

    def static_of(name: str) -> str:
        root = request.script_root
        return f"{root}/static/{name}?v={digest(name)}"

    def pack(response: Response) -> Response:
        if request.endpoint == "static" and response.status_code in {200, 304}:
            name = str((request.view_args or {}).get("filename"))
            _keep(response, request.args.get("v", "") == digest(name))
            _without_blanks(response)
        elif response.status_code == 200 and response.mimetype in TAGGED and not response.is_streamed:
            response.add_etag(weak=True)
            response.make_conditional(request)
        return _packed(response)

    app.jinja_env.globals["static_of"] = static_of
    app.after_request(pack)


def _keep(response: Response, is_named_by_hash: bool) -> None:
    """A name with the hash of what it names never means anything else; without it, it is asked about each time."""
    response.headers["Cache-Control"] = FOREVER if is_named_by_hash else "no-cache"


def _without_blanks(response: Response) -> None:
    if response.mimetype == "text/css" and response.status_code == 200:
        response.direct_passthrough = False
        whole = response.get_data()
        response.close()  # the file was open; it has been read
        response.set_data(lean(whole))


def _packed(response: Response) -> Response:
    if response.mimetype not in TEXT or response.status_code != 200 or "Content-Encoding" in response.headers:
        return response
    response.vary.add("Accept-Encoding")
    if request.accept_encodings["gzip"] <= 0 or request.method == "HEAD":
        return response
    if response.mimetype == "text/csv" and response.is_streamed:
        response.response = _stream(response.iter_encoded())
        response.headers.pop("Content-Length", None)
    else:
        response.direct_passthrough = False
        if len(whole := response.get_data()) < LEAST:
            return response
        response.close()  # a static file was open; it has been read
        response.set_data(_compressed(whole) if request.endpoint == "static" else _once(whole))
        _weaken(response)
    response.headers["Content-Encoding"] = "gzip"
    return response


def _weaken(response: Response) -> None:
    """The compressed bytes are another representation of the same: only a weak tag is true of both."""
    tag, is_weak = response.get_etag()
    if tag is not None and not is_weak:
        response.set_etag(tag, weak=True)


def _once(data: bytes) -> bytes:
    return gzip.compress(data, LEVEL, mtime=0)


@cache
def _compressed(data: bytes) -> bytes:
    """Return a static file compressed; there are few, and each is packed once."""
    return gzip.compress(data, 9, mtime=0)


@cache
def lean(sheet: bytes) -> bytes:
    """Return a style sheet without comments and without the blanks that are there for its readers."""
    text = re.sub(r"/\*.*?\*/", "", sheet.decode(), flags=re.DOTALL)
    text = re.sub(r" ?([{};,>]) ?", r"\1", re.sub(r"\s+", " ", text))
    return text.replace(": ", ":").replace(";}", "}").strip().encode()


def _stream(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """Yield a file that is sent row by row as gzip, holding one piece at a time."""
    packer = zlib.compressobj(LEVEL, zlib.DEFLATED, zlib.MAX_WBITS | 16)
    for piece in pieces:
        if packed := packer.compress(piece):
            yield packed
    yield packer.flush()
