"""Memory of a process that lives for weeks: the C library's heap, and what the garbage collector goes through.

Context: every packet and every answer of the vendor is read into a buffer of a quarter of a megabyte and more, for a
moment. glibc maps the first such buffers apart from its heap, learns from it, and takes the next ones from the heap;
what lives long then comes to stand behind them, and between such pieces the heap stays resident and empty. From the
first hour of a soak to its second morning such gaps grew from 3 to 8 MB, a twentieth of the program.
Decision: what is large is mapped apart, always. Saying so ends the learning.
Consequence: the gaps stay below 3 MB (1.4 and 1.9 in that soak); a read from a socket costs a microsecond or two more.

Each thread gets a heap of its own besides, which it shrinks from the end alone: large answers are read on a handful of
threads in turn, and each kept what its own largest took. One heap for all is used again by whoever comes next; the
interpreter lets one thread run at a time anyway.
"""

from __future__ import annotations

import contextlib
import gc
from collections.abc import Iterator
from typing import Final

APART_FROM_BYTES: Final = 64 * 1024
_M_MMAP_THRESHOLD: Final = -3
_M_ARENA_MAX: Final = -8
"""From glibc's malloc.h."""


def keep_large_blocks_apart() -> bool:
    """Set the size from which a block is mapped by itself and given back when freed, and one heap for all threads;
    False where that cannot be said (another C library), and then nothing is changed."""
    with contextlib.suppress(ImportError, OSError, AttributeError):
        import ctypes  # not every interpreter is built with it

        mallopt = ctypes.CDLL(None).mallopt
        return bool(mallopt(_M_MMAP_THRESHOLD, APART_FROM_BYTES)) and bool(mallopt(_M_ARENA_MAX, 1))
    return False


_SELDOM: Final = (50_000, 20, 20)


@contextlib.contextmanager
def seldom_collected() -> Iterator[None]:
    """Have what lives passed over and the rest gone through seldom, for as long as a replay runs: it ends soon, and
    a tenth of its time went into looking for cycles, of which a tick makes as good as none."""
    before = gc.get_threshold()
    gc.collect()
    gc.freeze()
    gc.set_threshold(*_SELDOM)
    try:
        yield
    finally:
        gc.set_threshold(*before)
        gc.unfreeze()


def freeze_what_lives() -> int:
    """Collect once, and have later collections pass over what is left; returns how many objects that are.

    Modules, settings, contracts and what the store had to say live as long as the process does, and going through them
    is what a collection of the oldest generation costs: some ten milliseconds between two ticks.
    """
    gc.collect()
    gc.freeze()
    return gc.get_freeze_count()
