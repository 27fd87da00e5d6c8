"""How many pages a PDF has, by its page objects, also those in compressed object streams. Nothing is drawn."""

import re
import zlib

PAGE = re.compile(rb"/Type\s*/Page(?![A-Za-z])")
OBJECTS = re.compile(rb"/ObjStm.{0,400}?>>\s*stream\r?\n", re.DOTALL)
MOST_B = 16 << 20
"""Of object streams that are unpacked: a page's object has some hundred bytes."""


def pdf_pages(data: bytes) -> int | None:
    """None where that cannot be told: it is encrypted, damaged, or larger than it claims."""
    if b"/Encrypt" in data:
        return None
    pages, left = len(PAGE.findall(data)), MOST_B
    for found in OBJECTS.finditer(data):
        unpacking = zlib.decompressobj()
        try:
            objects = unpacking.decompress(data[found.end() :], left)
        except zlib.error:
            return None
        left -= len(objects)
        if left <= 0 or not unpacking.eof:
            return None
        pages += len(PAGE.findall(objects))
    return pages or None
