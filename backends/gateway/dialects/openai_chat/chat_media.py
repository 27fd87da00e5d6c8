"""Files in a message of OpenAI's chat completions."""

from msgspec import Struct

from backends.gateway.dialects import encoded_files
from backends.gateway.dialects.encoded_files import AUDIO, PDF
from backends.gateway.http_errors import HttpError
from backends.types import Media


class ImageUrl(Struct):
    url: str


class InputAudio(Struct):
    data: str
    format: str


class File(Struct):
    file_data: str | None = None


def image(url: str, where: str) -> Media:
    """Raises HttpError (400) for an address, for another type, and for text that is not base64."""
    return encoded_files.image(*encoded_files.data_url(url, where), where)


def pdf(file: File, where: str) -> Media:
    """A PDF as a data: URL, or as its base64 alone. Raises HttpError (400) for other files."""
    encoded, where = file.file_data, f"{where}.file_data"
    if encoded is None:
        raise HttpError(400, "invalid_request", "a file needs its file_data", param=where)
    media_type, data = encoded_files.data_url(encoded, where) if encoded[:5].lower() == "data:" else (PDF, encoded)
    if media_type != PDF:
        raise HttpError(400, "unsupported", "a file must be a PDF: send the text of others as text", param=where)
    return encoded_files.pdf(data, where)


def recording(audio: InputAudio, where: str) -> Media:
    """Raises HttpError (400) for another format than wav or mp3."""
    media_type = AUDIO.get(audio.format.lower())
    if media_type is None:
        raise HttpError(400, "unsupported", "a recording must be wav or mp3", param=f"{where}.format")
    data = audio.data.partition(",")[2] if audio.data[:5].lower() == "data:" else audio.data
    return Media(media_type=media_type, data=encoded_files.decoded(data, "recording", f"{where}.data"))
