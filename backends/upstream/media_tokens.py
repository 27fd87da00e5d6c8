"""How many tokens a file in a prompt counts, by Google's published rules: https://ai.google.dev/gemini-api/docs/tokens

A picture of up to 384 pixels either way is one tile, a larger one as many tiles of 768 × 768 pixels as it takes, and a
tile is 258 tokens. Gemini 3 counts up to 1,120 tokens for a picture instead, and 560 for a page of a document
(https://ai.google.dev/gemini-api/docs/media-resolution); a second of sound is 32. What a file does not tell is taken
at its most, as a reservation must hold.
"""

from math import ceil

from backends.pdf_pages import pdf_pages
from backends.picture_size import picture_size
from backends.types import Media

PER_TILE, TILE, SMALL = 258, 768, 384
PER_PICTURE = 1_120
PER_PAGE, MOST_PAGES = 560, 1_000
USUAL_PAGE_B = 50_000
PER_SECOND = 32
UNSIZED = 16 * PER_TILE
"""A picture whose size cannot be read: as one of 3072 × 3072."""

LEAST_SOUND_B = 1_000
"""Bytes of a second of the most compressed sound: MP3 with 8 kbit/s."""


def expected_of(media: Media) -> int:
    """What it is likely to count."""
    if media.is_image:
        return _tiles(media)
    if media.media_type == "application/pdf":
        return PER_TILE * (pdf_pages(media.data) or max(1, min(MOST_PAGES, len(media.data) // USUAL_PAGE_B)))
    return ceil(len(media.data) / 16_000 * PER_SECOND)


def most_of_file(media: Media) -> int:
    """What it cannot exceed. For reservations."""
    if media.is_image:
        return max(PER_PICTURE, _tiles(media))
    if media.media_type == "application/pdf":
        return PER_PAGE * (pdf_pages(media.data) or MOST_PAGES)
    return ceil(max(1, len(media.data)) / LEAST_SOUND_B) * PER_SECOND


def _tiles(media: Media) -> int:
    size = picture_size(media.data)
    if size is None:
        return UNSIZED
    width, height = size
    if max(width, height) <= SMALL:
        return PER_TILE
    return ceil(width / TILE) * ceil(height / TILE) * PER_TILE
