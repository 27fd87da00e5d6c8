"""Files with a prompt: what is text, what is media, and what is refused."""

import os
from pathlib import Path

import pytest

from backends.errors import WrongUse
from console.bench.attachments import MEDIA_MAX, TEXT_MAX, WrittenPrompt, paths_like, read_attachment

PNG = b"\x89PNG\r\n\x1a\n" + b"\0" * 64


def test_text_stands_below_the_prompt_between_lines_with_its_name(tmp_path: Path) -> None:
    (tmp_path / "log.txt").write_bytes("\ufefffirst\r\nsecond ü\n".encode())
    attachment = read_attachment(str(tmp_path / "log.txt"))
    message = WrittenPrompt("why?", (attachment,)).message
    assert message.text == "why?\n\n--- log.txt ---\nfirst\nsecond ü\n--- end of log.txt ---"
    assert message.media == ()
    assert attachment.label == "log.txt 20 B"


@pytest.mark.parametrize(
    ("data", "media_type"),
    [
        (PNG, "image/png"),
        (b"\xff\xd8\xff\xe0" + b"\0" * 20, "image/jpeg"),
        (b"GIF89a" + b"\0" * 20, "image/gif"),
        (b"RIFF\0\0\0\0WEBPVP8 ", "image/webp"),
        (b"RIFF\0\0\0\0WAVEfmt ", "audio/wav"),
        (b"%PDF-1.7 \xff", "application/pdf"),
    ],
)
def test_media_are_known_by_their_content(tmp_path: Path, data: bytes, media_type: str) -> None:
    path = tmp_path / "named.txt"
    path.write_bytes(data)
    (media,) = WrittenPrompt("what is it?", (read_attachment(str(path)),)).message.media
    assert (media.media_type, media.data) == (media_type, data)


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"", "is empty"),
        (b"\x7fELF\0\0\0", "is binary"),
        (b"text\0with a zero", "is binary"),
        (b"\xff\xfe\xfd", "is binary"),
        (b"x" * (TEXT_MAX + 1), "of text, the limit is 1.0 MB"),
        (PNG + b"\0" * MEDIA_MAX, "the limit is 10.0 MB"),
    ],
)
def test_what_is_refused_says_why(tmp_path: Path, data: bytes, says: str) -> None:
    path = tmp_path / "file.bin"
    path.write_bytes(data)
    with pytest.raises(WrongUse, match=says):
        read_attachment(str(path))


def test_what_is_no_file_is_refused_at_once(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path / "pipe", tmp_path, Path("/dev/null")):
        with pytest.raises(WrongUse, match=r"is no file|cannot be read"):
            read_attachment(str(path))
    for typed in (str(tmp_path / "gone"), "a\0b"):
        with pytest.raises(WrongUse, match="cannot be read"):
            read_attachment(typed)


def test_paths_are_offered_as_they_are_typed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "photos").mkdir()
    for name in ("phone.txt", "photos/a.png", ".hidden", "other"):
        (tmp_path / name).write_text("x")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    assert paths_like("pho") == ["phone.txt", "photos/"]
    assert paths_like("photos/") == ["photos/a.png"]
    assert paths_like("~/oth") == ["~/other"]
    assert paths_like(f"{tmp_path}/.h") == [f"{tmp_path}/.hidden"]
    assert paths_like("") == ["other", "phone.txt", "photos/"]
    assert paths_like("nowhere/x") == paths_like("a\0/b") == []
    assert "/etc/" in paths_like("/et")
