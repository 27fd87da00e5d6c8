"""An entry as bytes in a row, with a checksum over all that it answers and says."""

import zlib

import msgspec
from msgspec import Struct

from backends.cache.entry import Entry, Stored

COMPRESS_FROM = 512  # bytes; below it zlib's header and time buy nothing

Row = tuple[bytes, bytes, str, float, float, int, int, int, bytes]
"""key, partition, agent, stored_at, expires_at, hits, size, checksum, body."""


class _Body(Struct, frozen=True, array_like=True):
    question: str
    stored: Stored


_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(_Body)


def to_body(entry: Entry) -> bytes:
    """Question and answer, compressed where that pays."""
    plain = _encoder.encode(_Body(entry.question, entry.stored))
    return b"z" + zlib.compress(plain, 3) if len(plain) >= COMPRESS_FROM else b"p" + plain


def checksum(sealed: tuple[bytes, bytes, str, float, float], body: bytes) -> int:
    """Over key, partition, agent, both times, and the body."""
    return zlib.crc32(body, zlib.crc32(repr(sealed).encode()))


def to_entry(row: Row) -> Entry | None:
    """The entry of a row, None for one that is broken."""
    key, partition, agent, stored_at, expires_at, hits, size, recorded, body = row
    try:
        if checksum((key, partition, agent, stored_at, expires_at), body) != recorded:
            return None
        found = _decoder.decode(zlib.decompress(body[1:]) if body[:1] == b"z" else body[1:])
    except (TypeError, AttributeError, zlib.error, msgspec.DecodeError):
        return None
    return Entry(
        key=key,
        partition=partition,
        agent=agent,
        question=found.question,
        stored=found.stored,
        stored_at=stored_at,
        expires_at=expires_at,
        size=size,
        hits=hits,
    )
