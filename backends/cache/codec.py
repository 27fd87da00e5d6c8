"""Entries as rows: encoding, compression, encryption, and a checksum over every column that a hit depends on."""

import struct
import zlib

import msgspec
from msgspec import Struct

from backends.cache.encryption import BodyCipher
from backends.cache.stored_answer import StoredAnswer, StoredEntry

COMPRESS_FROM = 2048  # bytes; below that zlib saves less than a row's overhead and takes a third of a hit's time

COLUMNS = "key, partition, agent, stored_at, expires_at, hits, size, checksum, body"

EntryRow = tuple[bytes, bytes, str, float, float, int, int, int, bytes]
"""The values of `COLUMNS`."""


class _Body(Struct, frozen=True, array_like=True):
    question: str
    stored: StoredAnswer


_times = struct.Struct("<dd")
_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(_Body)


def to_body(entry: StoredEntry, cipher: BodyCipher | None = None) -> bytes:
    """Question and answer, compressed where that saves space, and encrypted if the entry must be."""
    plain = _encoder.encode(_Body(entry.question, entry.stored))
    body = b"z" + zlib.compress(plain, 3) if len(plain) >= COMPRESS_FROM else b"p" + plain
    if not entry.encrypted:
        return body
    assert cipher is not None, "only a cache with a key marks entries as encrypted"  # noqa: S101 — ResponseCache checks it
    return b"e" + cipher.encrypt(body, bound_to=entry.key + entry.partition)


def checksum(columns: tuple[bytes, bytes, str, float, float], body: bytes) -> int:
    """Over key, partition, agent, both times, and the body."""
    key, partition, agent, stored_at, expires_at = columns
    return zlib.crc32(body, zlib.crc32(key + partition + agent.encode() + _times.pack(stored_at, expires_at)))


def to_entry(row: EntryRow, cipher: BodyCipher | None = None) -> StoredEntry | None:
    """The entry of a row; None if the row is broken or cannot be decrypted."""
    key, partition, agent, stored_at, expires_at, hits, size, recorded, body = row
    try:
        if checksum((key, partition, agent, stored_at, expires_at), body) != recorded:
            return None
        encrypted = body[:1] == b"e"
        if encrypted:
            opened = cipher.decrypt(body[1:], bound_to=key + partition) if cipher is not None else None
            if opened is None:
                return None
            body = opened
        found = _decoder.decode(zlib.decompress(body[1:]) if body[:1] == b"z" else memoryview(body)[1:])
    except (TypeError, AttributeError, struct.error, zlib.error, msgspec.DecodeError):
        return None
    return StoredEntry(
        key=key,
        partition=partition,
        agent=agent,
        question=found.question,
        stored=found.stored,
        stored_at=stored_at,
        expires_at=expires_at,
        size=size,
        hits=hits,
        encrypted=encrypted,
    )
