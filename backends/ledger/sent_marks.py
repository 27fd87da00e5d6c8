"""Which open calls may have left this machine: what a core that dies must be charged for, and what it need not be.

A mark is made before a call's first byte leaves, and taken away once its final row is written. Marks lie in a small
file that is mapped into memory: a mark costs a microsecond and no disk write, and outlives a kill -9, as the pages
belong to the kernel. They do not outlive the machine, so a file from before the last boot counts for nothing, and every
open call counts as sent.
"""

import hashlib
import mmap
import os
from collections import Counter
from collections.abc import Callable
from pathlib import Path

from backends.paths import open_private

MAGIC = b"clawsnt1"
BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
BOOT_BYTES = 36
OVERFLOW = len(MAGIC) + BOOT_BYTES
"""Where the byte lies that says that marks are missing, as more calls were open than there are places."""

HEADER = 64
MARK_BYTES = 16
PLACES = 4096
SIZE = HEADER + PLACES * MARK_BYTES

WasSent = Callable[[str, str, str, int], bool]
"""May a call have left? By its request's id, engine, model, and the number of its reservation for that model."""


class SentMarks:
    """Made by `open`, ended by `close`. `was_sent` is what an earlier core left behind, until `begin`."""

    def __init__(self, pages: mmap.mmap | None, found: frozenset[bytes] | None) -> None:
        self._pages = pages
        self._found = found
        self._free = list(range(PLACES))
        self._places: dict[str, list[int]] = {}
        self._numbers: dict[str, Counter[tuple[str, str]]] = {}

    @classmethod
    def open(cls, path: Path) -> "SentMarks":
        """Read the marks of an earlier core. Without a file that can be written, as on a full disk, none are kept."""
        try:
            descriptor = open_private(str(path), os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW)
        except OSError:
            return cls(None, None)
        try:
            os.fchmod(descriptor, 0o600)
            known = os.fstat(descriptor).st_size == SIZE
            os.ftruncate(descriptor, SIZE)
            os.posix_fallocate(descriptor, 0, SIZE)  # a mapped page without a place on the disk would be a crash later
            pages = mmap.mmap(descriptor, SIZE)
        except OSError:
            return cls(None, None)
        finally:
            os.close(descriptor)
        return cls(pages, _marks(pages) if known else None)

    def was_sent(self, id: str, engine: str, model: str, number: int) -> bool:
        """May this call of an earlier core have left? Yes where that is not known."""
        return self._found is None or _mark(id, engine, model, number) in self._found

    def begin(self) -> None:
        """Forget the earlier core's marks: its calls are settled."""
        self._found = None
        if self._pages is not None:
            self._pages[:] = (MAGIC + _boot_id()).ljust(SIZE, b"\0")

    def add(self, id: str, engine: str, model: str, *, is_open: Callable[[str], bool]) -> None:
        """A call is about to be sent. `is_open` says of a request whether it still lacks its final row."""
        if self._pages is None:
            return
        if not self._free:
            for ended in [known for known in self._places if not is_open(known)]:
                self.remove(ended)
        if not self._free:
            self._pages[OVERFLOW] = 1
            return
        numbers = self._numbers.setdefault(id, Counter())
        place = self._free.pop()
        self._write(place, _mark(id, engine, model, numbers[engine, model]))
        numbers[engine, model] += 1
        self._places.setdefault(id, []).append(place)

    def remove(self, id: str) -> None:
        """A request has its final row."""
        self._numbers.pop(id, None)
        for place in self._places.pop(id, ()):
            self._write(place, bytes(MARK_BYTES))
            self._free.append(place)
        if self._pages is not None and not self._places:
            self._pages[OVERFLOW] = 0

    def close(self) -> None:
        if self._pages is not None:
            self._pages.close()
            self._pages = None

    def _write(self, place: int, mark: bytes) -> None:
        if self._pages is not None:
            start = HEADER + place * MARK_BYTES
            self._pages[start : start + MARK_BYTES] = mark


def _marks(pages: mmap.mmap) -> frozenset[bytes] | None:
    """The marks in a file; None where some may be missing."""
    boot_id = _boot_id()
    if not boot_id or not pages[:HEADER].startswith(MAGIC + boot_id) or pages[OVERFLOW]:
        return None
    return frozenset(pages[start : start + MARK_BYTES] for start in range(HEADER, SIZE, MARK_BYTES))


def _mark(id: str, engine: str, model: str, number: int) -> bytes:
    named = "\0".join((id, engine, model, str(number)))
    return hashlib.blake2b(named.encode("utf-8", "replace"), digest_size=MARK_BYTES).digest()


def _boot_id() -> bytes:
    """What tells this run of the machine from others; empty where the system does not say, and then no mark counts."""
    try:
        found = BOOT_ID.read_bytes().strip()
    except OSError:
        return b""
    return found if len(found) == BOOT_BYTES else b""
