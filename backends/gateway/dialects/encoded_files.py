"""Files in a body: images, PDFs and recordings, as bytes with their media type. Nothing is ever fetched.

Clients differ in how they write base64: with line breaks, without its padding, in the alphabet for URLs, with
parameters before it. All of these mean the same bytes, and are accepted.
"""

import base64
import binascii

from backends.gateway.http_errors import HttpError
from backends.types import Media

IMAGES = ("image/png", "image/jpeg", "image/webp", "image/gif")
PDF = "application/pdf"
# Google's documentation names audio/mp3, not IANA's audio/mpeg: https://ai.google.dev/gemini-api/docs/audio
AUDIO = {"wav": "audio/wav", "mp3": "audio/mp3"}

_SAME = {
    "image/jpg": "image/jpeg",
    "image/pjpeg": "image/jpeg",
    "image/x-png": "image/png",
    "audio/mpeg": "audio/mp3",
    "audio/x-wav": "audio/wav",
}
_BEGIN = {
    b"\x89PNG": "image/png",
    b"\xff\xd8\xff": "image/jpeg",
    b"RIFF": "image/webp",
    b"GIF8": "image/gif",
}
_PLAIN = bytes.maketrans(b"-_", b"+/")
_SPACE = b" \t\r\n"


def from_base64(media_type: str, data: str, where: str) -> Media:
    """An image, a PDF or a recording of the type that its body names. Raises HttpError (400) for others."""
    kind = usual_type(media_type)
    if kind == PDF:
        return pdf(data, where)
    if kind not in IMAGES and kind not in AUDIO.values():
        known = ", ".join((*IMAGES, PDF, *AUDIO.values()))
        raise HttpError(400, "unsupported", f"a file must be base64 of {known}", param=where)
    return Media(media_type=kind, data=decoded(data, "image" if kind in IMAGES else "recording", where))


def image(media_type: str, data: str, where: str) -> Media:
    """Raises HttpError (400) for another type, and for text that is not base64."""
    kind = usual_type(media_type)
    if kind not in IMAGES:
        raise HttpError(400, "invalid_request", f"an image must be base64 of {', '.join(IMAGES)}", param=where)
    return Media(media_type=kind, data=decoded(data, "image", where))


def untyped_image(data: str, where: str) -> Media:
    """An image whose type only its first bytes tell. Raises HttpError (400)."""
    raw = decoded(data, "image", where)
    found = next((kind for begin, kind in _BEGIN.items() if raw.startswith(begin)), None)
    if found is None:
        raise HttpError(400, "invalid_request", f"an image must be base64 of {', '.join(IMAGES)}", param=where)
    return Media(media_type=found, data=raw)


def pdf(data: str, where: str) -> Media:
    """Raises HttpError (400) for bytes that are no PDF."""
    raw = decoded(data, "file", where)
    if not raw[:1024].lstrip().startswith(b"%PDF"):
        raise HttpError(400, "unsupported", "a file must be a PDF: send the text of others as text", param=where)
    return Media(media_type=PDF, data=raw)


def usual_type(media_type: str) -> str:
    kind = media_type.partition(";")[0].strip().lower()
    return _SAME.get(kind, kind)


def data_url(url: str, where: str) -> tuple[str, str]:
    """A data: URL's media type in its usual form, and its base64. Raises HttpError (400) for an address."""
    head, comma, data = url.partition(",")
    scheme, _, rest = head.partition(":")
    if scheme.strip().lower() != "data" or not comma:
        raise HttpError(
            400, "remote_image", "files are not fetched: send a data: URL with the bytes in it", param=where
        )
    media_type, *parameters = (part.strip().lower() for part in rest.split(";"))
    if "base64" not in parameters:
        raise HttpError(400, "invalid_request", "a data: URL must be in base64", param=where)
    return usual_type(media_type), data


def decoded(data: str, what: str, where: str) -> bytes:
    """Raises HttpError (400) for what is not base64, and for nothing."""
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
