"""Files in a message: images, PDFs and recordings, as bytes with their media type. Nothing is ever fetched.

Clients differ in how they write base64: with line breaks, without its padding, in the alphabet for URLs, with
parameters before it. All of these mean the same bytes, and are accepted.
"""

import base64
import binascii

from msgspec import Struct

from backends.gateway.http_errors import HttpError
from backends.types import Media

IMAGES = ("image/png", "image/jpeg", "image/webp", "image/gif")
PDF = "application/pdf"
# Google's documentation names audio/mp3, not IANA's audio/mpeg: https://ai.google.dev/gemini-api/docs/audio
AUDIO = {"wav": "audio/wav", "mp3": "audio/mp3"}

_SAME = {"image/jpg": "image/jpeg", "image/pjpeg": "image/jpeg", "image/x-png": "image/png"}
_PLAIN = bytes.maketrans(b"-_", b"+/")
_SPACE = b" \t\r\n"


class ImageUrl(Struct):
    url: str


class InputAudio(Struct):
    data: str
    format: str


class File(Struct):
    file_data: str | None = None


def image(url: str, where: str) -> Media:
    """Raises HttpError (400) for an address, for another type, and for text that is not base64."""
    media_type, data = _taken_apart(url, where)
    if media_type not in IMAGES:
        raise HttpError(400, "invalid_request", f"an image must be base64 of {', '.join(IMAGES)}", param=where)
    return Media(media_type=media_type, data=_bytes(data, "image", where))


def pdf(file: File, where: str) -> Media:
    """A PDF as a data: URL, or as its base64 alone. Raises HttpError (400) for other files."""
    encoded, where = file.file_data, f"{where}.file_data"
    if encoded is None:
        raise HttpError(400, "invalid_request", "a file needs its file_data", param=where)
    media_type, data = _taken_apart(encoded, where) if encoded[:5].lower() == "data:" else (PDF, encoded)
    raw = _bytes(data, "file", where) if media_type == PDF else b""
    if not raw[:1024].lstrip().startswith(b"%PDF"):
        raise HttpError(400, "unsupported", "a file must be a PDF: send the text of others as text", param=where)
    return Media(media_type=PDF, data=raw)


def recording(audio: InputAudio, where: str) -> Media:
    """Raises HttpError (400) for another format than wav or mp3."""
    media_type = AUDIO.get(audio.format.lower())
    if media_type is None:
        raise HttpError(400, "unsupported", "a recording must be wav or mp3", param=f"{where}.format")
    data = audio.data.partition(",")[2] if audio.data[:5].lower() == "data:" else audio.data
    return Media(media_type=media_type, data=_bytes(data, "recording", f"{where}.data"))


def _taken_apart(url: str, where: str) -> tuple[str, str]:
    """A data: URL's media type in its usual form, and its base64."""
    head, comma, data = url.partition(",")
    scheme, _, rest = head.partition(":")
    if scheme.strip().lower() != "data" or not comma:
        raise HttpError(
            400, "remote_image", "files are not fetched: send a data: URL with the bytes in it", param=where
        )
    media_type, *parameters = (part.strip().lower() for part in rest.split(";"))
    if "base64" not in parameters:
        raise HttpError(400, "invalid_request", "a data: URL must be in base64", param=where)
    return _SAME.get(media_type, media_type), data


def _bytes(data: str, what: str, where: str) -> bytes:
    try:
        raw = base64.b64decode(_usual(data), validate=True)
    except (binascii.Error, ValueError):
        raise HttpError(400, "invalid_request", f"the {what} is not valid base64", param=where) from None
    if not raw:
        raise HttpError(400, "invalid_request", f"the {what} is empty", param=where)
    return raw


def _usual(data: str) -> bytes:
    """Base64 in its standard alphabet, without white space, padded. Raises ValueError for text that is not ASCII."""
    standard = data.encode("ascii").translate(_PLAIN, _SPACE)
    return standard + b"=" * (-len(standard) % 4)
