"""How many pixels a picture has, from its first bytes: PNG, JPEG, GIF, WebP, HEIC and AVIF. Nothing is decoded."""

import struct
from collections.abc import Callable

SIZED = frozenset({0xC0, 0xC1, 0xC2, 0xC3, 0xC5, 0xC6, 0xC7, 0xC9, 0xCA, 0xCB, 0xCD, 0xCE, 0xCF})
"""JPEG's segments that name the size: each frame's begin."""

BARE = frozenset({0x01, *range(0xD0, 0xD9)})
"""Those without a length."""

BOXES = 65_536
"""Bytes in which an ISO file (HEIC, AVIF) names its pictures' sizes."""


def picture_size(data: bytes) -> tuple[int, int] | None:
    """Width and height in pixels; None where they are not told where they should be. Of several, the largest."""
    try:
        return next((read(data) for begins, read in KINDS if begins(data)), None)
    except (struct.error, IndexError):
        return None


def _png(data: bytes) -> tuple[int, int] | None:
    return _positive(*struct.unpack(">II", data[16:24]))


def _gif(data: bytes) -> tuple[int, int] | None:
    return _positive(*struct.unpack("<HH", data[6:10]))


def _positive(width: int, height: int) -> tuple[int, int] | None:
    return (width, height) if width > 0 and height > 0 else None


def _jpeg(data: bytes) -> tuple[int, int] | None:
    at = 2
    while at < len(data):
        if data[at] != 0xFF:
            return None
        kind = data[at + 1]
        if kind == 0xFF:  # filling
            at += 1
        elif kind in BARE:
            at += 2
        elif kind in SIZED:
            height, width = struct.unpack(">HH", data[at + 5 : at + 9])
            return _positive(width, height)
        else:
            (length,) = struct.unpack(">H", data[at + 2 : at + 4])
            at += 2 + max(2, length)
    return None


def _webp(data: bytes) -> tuple[int, int] | None:
    kind = data[12:16]
    if kind == b"VP8X":
        return 1 + int.from_bytes(data[24:27], "little"), 1 + int.from_bytes(data[27:30], "little")
    if kind == b"VP8L":
        (bits,) = struct.unpack("<I", data[21:25])
        return 1 + (bits & 0x3FFF), 1 + (bits >> 14 & 0x3FFF)
    if kind == b"VP8 ":
        width, height = struct.unpack("<HH", data[26:30])
        return _positive(width & 0x3FFF, height & 0x3FFF)
    return None


def _iso(data: bytes) -> tuple[int, int] | None:
    """The largest of the `ispe` boxes: a box's length, its name, four bytes of version, width, height."""
    data = data[:BOXES]
    sizes, at = [], data.find(b"ispe")
    while at >= 0:
        sizes.append(struct.unpack(">II", data[at + 8 : at + 16]))
        at = data.find(b"ispe", at + 4)
    return max(sizes, key=lambda size: size[0] * size[1], default=None)


KINDS: tuple[tuple[Callable[[bytes], bool], Callable[[bytes], tuple[int, int] | None]], ...] = (
    (lambda data: data.startswith(b"\x89PNG\r\n\x1a\n"), _png),
    (lambda data: data.startswith((b"GIF87a", b"GIF89a")), _gif),
    (lambda data: data.startswith(b"\xff\xd8"), _jpeg),
    (lambda data: data.startswith(b"RIFF") and data[8:12] == b"WEBP", _webp),
    (lambda data: data[4:8] == b"ftyp", _iso),
)
"""How each kind begins, and who reads its size."""
