"""A file set aside for rows that the ledger's own file cannot take: on disk before anybody is told, and bounded.

Its room is allocated when it is made, so a full disk still leaves it. It holds a header with a generation, then
records, each with its length and a checksum that the generation is part of, then a length of zero. What was torn by a
crash, or is left over from an earlier generation, has a wrong checksum and ends the file.
"""

import os
import struct
import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path

from backends.errors import LedgerError

MAGIC = b"clawspl1"
HEADER = len(MAGIC) + 8
RECORD = struct.Struct("<II")  # length, checksum
END = bytes(RECORD.size)


class Spill:
    """Made by `open`, ended by `close`. Every method works on the disk and blocks."""

    def __init__(self, descriptor: int, size: int) -> None:
        self._descriptor = descriptor
        self.size = size
        self.used = HEADER
        self.generation = b""
        self.spent = False

    @classmethod
    def open(cls, path: Path, size: int) -> "Spill":
        """Make the file, or take the one that is there, never smaller than it is. Raises LedgerError."""
        try:
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
        except OSError as error:
            raise LedgerError(f"{path} cannot be opened ({error.strerror}): make it a plain file of yours") from None
        try:
            os.fchmod(descriptor, 0o600)
            size = max(size, os.fstat(descriptor).st_size)
            os.posix_fallocate(descriptor, 0, size)
            spill = cls(descriptor, size)
            spill._begin()
        except OSError as error:
            os.close(descriptor)
            raise LedgerError(
                f"{path} cannot have {size} bytes set aside ({error.strerror}): free some, or lower ledger.spill_bytes"
            ) from None
        return spill

    def records(self) -> Iterator[bytes]:
        """What was appended in this generation, oldest first."""
        place = HEADER
        while place + RECORD.size <= self.size:
            length, checksum = RECORD.unpack(os.pread(self._descriptor, RECORD.size, place))
            if not length or place + RECORD.size + length > self.size:
                return
            record = os.pread(self._descriptor, length, place + RECORD.size)
            if self._checksum(record) != checksum:
                return
            yield record
            place += RECORD.size + length

    def room_for(self, records: int, length: int) -> bool:
        """Would so many further records of so many bytes in all fit?"""
        return self.used + records * RECORD.size + length + len(END) <= self.size

    def append(self, records: Sequence[bytes]) -> None:
        """Put them on the disk, all before it returns. Raises OSError, and then holds what it held before."""
        if self.spent:
            raise OSError("it waits to be emptied")
        block = b"".join(RECORD.pack(len(record), self._checksum(record)) + record for record in records)
        written = os.pwrite(self._descriptor, block + END, self.used)
        if written != len(block) + len(END):
            raise OSError("the spill took only a part")
        os.fdatasync(self._descriptor)
        self.used += len(block)

    def reset(self) -> None:
        """Forget everything, in a new generation. Raises OSError, and then takes nothing more until it was possible."""
        self.spent = True
        os.pwrite(self._descriptor, MAGIC + os.urandom(8) + END, 0)
        os.fdatasync(self._descriptor)
        self._begin()

    def close(self) -> None:
        os.close(self._descriptor)

    def _begin(self) -> None:
        header = os.pread(self._descriptor, HEADER, 0)
        if not header.startswith(MAGIC):
            self.reset()
            return
        self.spent = False
        self.generation = header[len(MAGIC) :]
        self.used = HEADER + sum(RECORD.size + len(record) for record in self.records())

    def _checksum(self, record: bytes) -> int:
        return zlib.crc32(record, zlib.crc32(self.generation))
