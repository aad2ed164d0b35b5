"""The C library's heap in a process that lives for weeks.

Context: every packet and every answer of the vendor is read into a buffer of a quarter of a megabyte and more, for a
moment. glibc maps the first such buffers apart from its heap, learns from it, and takes the next ones from the heap;
what lives long then comes to stand behind them, and between such pieces the heap stays resident and empty. Over two
days that was 5 MB, a twentieth of the program, and it is most of what a soak saw it grow by.
Decision: what is large is mapped apart, always. Saying so ends the learning.
Consequence: what is resident is what is in use; a read from a socket costs about a microsecond more.
"""

from __future__ import annotations

import contextlib
from typing import Final

APART_FROM_BYTES: Final = 64 * 1024
_M_MMAP_THRESHOLD: Final = -3
"""From glibc's malloc.h."""


def keep_large_blocks_apart() -> bool:
    """Set the size from which a block is mapped by itself and given back when freed; False where that cannot be said
    (another C library), and then nothing is changed."""
    with contextlib.suppress(ImportError, OSError, AttributeError):
        import ctypes  # not every interpreter is built with it

        return bool(ctypes.CDLL(None).mallopt(_M_MMAP_THRESHOLD, APART_FROM_BYTES))
    return False
