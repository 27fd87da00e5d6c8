"""Files that go with a prompt: text as text, images, PDFs and recordings as media; anything else is refused.

Everything here reads the disk: call it in a thread.
"""

import os
import stat
from pathlib import Path
from typing import NamedTuple

from backends.errors import WrongUse
from backends.text.measures import size
from backends.types import Media, Message

TEXT_MAX = 1_048_576
MEDIA_MAX = 10_485_760
"""Bytes of one file."""
ALL_MAX = 16_777_216
"""Bytes of all files of a prompt."""
LISTED = 200
"""Names that a path is completed from; a larger folder is completed from so many that fit."""
_NEWLINE = "\n"

MEDIA_BY_MAGIC: tuple[tuple[int, bytes, str], ...] = (
    (0, b"\x89PNG\r\n\x1a\n", "image/png"),
    (0, b"\xff\xd8\xff", "image/jpeg"),
    (0, b"GIF87a", "image/gif"),
    (0, b"GIF89a", "image/gif"),
    (8, b"WEBP", "image/webp"),
    (0, b"%PDF-", "application/pdf"),
    (8, b"WAVE", "audio/wav"),
    (0, b"ID3", "audio/mpeg"),
)
"""Offset, bytes and media type: the content decides, not the name."""


class Attachment(NamedTuple):
    """`text` is that of a text file, "" for media."""

    name: str
    size: int
    text: str = ""
    media: Media | None = None

    @property
    def label(self) -> str:
        return f"{self.name} {size(self.size)}"


class WrittenPrompt(NamedTuple):
    """What was written, and the files that go with it."""

    text: str
    attachments: tuple[Attachment, ...] = ()

    @property
    def message(self) -> Message:
        """As it is sent: text files stand below what was written, each between two lines with its name."""
        texts = [
            f"--- {each.name} ---\n{each.text}\n--- end of {each.name} ---" for each in self.attachments if each.text
        ]
        media = tuple(each.media for each in self.attachments if each.media is not None)
        return Message(role="user", text="\n\n".join([self.text, *texts]), media=media)


def read_attachment(typed: str) -> Attachment:
    """The file at a path as typed. Raises WrongUse."""
    path = Path(typed.strip()).expanduser()
    try:
        # a named pipe would wait for its writer
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise WrongUse(f"{path} cannot be read ({reason})") from None
    found = os.fstat(descriptor)
    if not stat.S_ISREG(found.st_mode):
        os.close(descriptor)
        raise WrongUse(f"{path} is no file: attach a text file, an image, a PDF or a recording")
    with os.fdopen(descriptor, "rb") as file:
        if found.st_size > MEDIA_MAX:
            raise WrongUse(f"{path.name} has {size(found.st_size)}, the limit is {size(MEDIA_MAX)}")
        try:
            data = file.read(MEDIA_MAX + 1)
        except OSError as error:
            raise WrongUse(f"{path} cannot be read ({error.strerror})") from None
    return _attachment(path.name, data)


def _attachment(name: str, data: bytes) -> Attachment:
    if not data:
        raise WrongUse(f"{name} is empty")
    for offset, magic, media_type in MEDIA_BY_MAGIC:
        if data[offset : offset + len(magic)] == magic:
            return Attachment(name, len(data), media=Media(media_type=media_type, data=data))
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = "\0"
    if "\0" in text:
        raise WrongUse(f"{name} is binary: attach a text file (UTF-8), an image, a PDF or a recording")
    if len(data) > TEXT_MAX:
        raise WrongUse(f"{name} has {size(len(data))} of text, the limit is {size(TEXT_MAX)}")
    return Attachment(name, len(data), text=text.replace("\r\n", _NEWLINE).removesuffix(_NEWLINE))


def paths_like(typed: str) -> list[str]:
    """Paths that begin as typed, folders with a slash at their end; none where the folder cannot be read."""
    folder, _, start = typed.rpartition("/")
    prefix = typed[: len(typed) - len(start)]
    try:
        where = Path(folder or ("/" if prefix else ".")).expanduser()
        with os.scandir(where) as entries:
            found: list[str] = []
            for entry in entries:
                hidden = entry.name.startswith(".") and not start.startswith(".")
                if entry.name.startswith(start) and not hidden and len(found) < LISTED:
                    found.append(f"{prefix}{entry.name}{'/' if entry.is_dir() else ''}")
    except (OSError, ValueError, RuntimeError):
        return []
    return sorted(found)
