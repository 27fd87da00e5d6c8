"""What files count, by Google's published rules, and never more than was reserved for them."""

import struct
import zlib
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from backends.pdf_pages import pdf_pages
from backends.picture_size import picture_size
from backends.types import Media, Message
from backends.upstream.media_tokens import MOST_PAGES, PER_PAGE, UNSIZED, expected_of, most_of_file
from tests.core import ask, policy, prompt, stand


def png(width: int, height: int) -> bytes:
    return b"\x89PNG\r\n\x1a\n" + struct.pack(">I4sII", 13, b"IHDR", width, height) + b"\x08\x02\x00\x00\x00rest"


def jpeg(width: int, height: int) -> bytes:
    exif = b"\xff\xe1" + struct.pack(">H", 40) + b"\xff\xc0" * 19  # what looks like a frame inside another segment
    frame = b"\xff\xc2" + struct.pack(">HBHHB", 17, 8, height, width, 3) + b"\x01\x11\x00" * 3
    return b"\xff\xd8" + exif + b"\xff" + frame + b"\xff\xda"


def gif(width: int, height: int) -> bytes:
    return b"GIF89a" + struct.pack("<HH", width, height) + b"\x00\x00\x00"


def webp(width: int, height: int, kind: bytes = b"VP8X") -> bytes:
    size = (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little")
    body = {
        b"VP8X": b"\x0a\x00\x00\x00\x00\x00\x00\x00" + size,
        b"VP8L": b"\x05\x00\x00\x00\x2f" + struct.pack("<I", (width - 1) | (height - 1) << 14),
        b"VP8 ": b"\x10\x00\x00\x00\x00\x00\x00\x9d\x01\x2a" + struct.pack("<HH", width, height),
    }
    return b"RIFF\x00\x00\x00\x00WEBP" + kind + body[kind]


def heic(width: int, height: int) -> bytes:
    boxes = (struct.pack(">I4sIII", 20, b"ispe", 0, *size) for size in ((512, 512), (width, height)))
    return struct.pack(">I4s4s", 20, b"ftyp", b"heic") + b"meta" + b"".join(boxes)


@pytest.mark.parametrize(
    "made",
    [png, jpeg, gif, webp, lambda w, h: webp(w, h, b"VP8L"), lambda w, h: webp(w, h, b"VP8 "), heic],
    ids=["png", "jpeg", "gif", "webp", "webp-lossless", "webp-lossy", "heic"],
)
def test_a_pictures_size_is_read_from_its_first_bytes(made: object) -> None:
    assert callable(made)
    assert picture_size(made(2400, 1500)) == (2400, 1500)


@given(st.binary(max_size=200), st.sampled_from([b"", png(3, 4)[:18], jpeg(3, 4)[:30], gif(3, 4)[:7], webp(3, 4)[:25]]))
def test_what_is_no_picture_has_no_size_and_raises_nothing(rest: bytes, head: bytes) -> None:
    size = picture_size(head + rest)
    assert size is None or min(size) >= 0


@pytest.mark.parametrize(
    ("width", "height", "count"),
    [(384, 384, 258), (385, 10, 258), (768, 768, 258), (769, 768, 516), (2400, 2400, 4128), (100, 7681, 2838)],
)
def test_tiles_are_counted(width: int, height: int, count: int) -> None:
    picture = Media(media_type="image/png", data=png(width, height))
    assert expected_of(picture) == count
    assert most_of_file(picture) == max(count, 1120)


def test_a_picture_that_tells_nothing_counts_as_a_large_one() -> None:
    picture = Media(media_type="image/png", data=b"\x89PNG")
    assert expected_of(picture) == most_of_file(picture) == UNSIZED


def pdf(pages: int, *, packed: bool = False, more: bytes = b"") -> bytes:
    objects = b"<< /Type /Pages /Count 9 >>" + b"<< /Type /Page /Parent 1 0 R >>" * pages
    if not packed:
        return b"%PDF-1.7\n" + objects + more
    stream = zlib.compress(objects)
    head = b"5 0 obj << /Type /ObjStm /N 3 /Filter /FlateDecode /Length %d >>\nstream\n" % len(stream)
    return b"%PDF-1.7\n" + head + stream + b"\nendstream" + more


@pytest.mark.parametrize("packed", [False, True])
def test_pages_are_counted_where_they_are_packed_too(packed: bool) -> None:
    assert pdf_pages(pdf(7, packed=packed)) == 7
    document = Media(media_type="application/pdf", data=pdf(7, packed=packed))
    assert (expected_of(document), most_of_file(document)) == (7 * 258, 7 * 560)


@pytest.mark.parametrize(
    "data",
    [
        b"%PDF-1.7",
        pdf(3, more=b"/Encrypt 9 0 R"),
        pdf(3, packed=True)[:-30],  # cut
        pdf(3, packed=True).replace(b"stream\n\x78", b"stream\n\x00"),  # damaged
        pdf(600_000, packed=True),  # a bomb
    ],
    ids=["empty", "encrypted", "cut", "damaged", "bomb"],
)
def test_a_document_that_tells_nothing_is_reserved_for_at_its_most(data: bytes) -> None:
    assert pdf_pages(data) is None
    assert most_of_file(Media(media_type="application/pdf", data=data)) == MOST_PAGES * PER_PAGE


async def test_a_large_picture_costs_what_the_twin_counts_and_no_more_than_was_reserved(home: Path) -> None:
    async with stand(home, change=lambda settings: policy(settings, "ada", "cloud")) as it:
        picture = Media(media_type="image/png", data=png(2400, 2400))
        message = Message(role="user", text="What is on it?", media=(picture,))
        _, outcome = await ask(it.core, replace(prompt("", agent="ada"), messages=(message,)))
        billed = it.billed()
    assert outcome.tokens.input > 4128
    assert outcome.cost_usd == billed > Decimal("0.001")
    assert not outcome.usage_estimated
