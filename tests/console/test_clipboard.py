"""Copying: tmux says whether it worked, a terminal does not, and a file takes the rest."""

import asyncio
import os
import shutil
import stat
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from console.bench.clipboard import OSC_52_MAX, Clipboard, clean
from console.present.markdown_stream import fenced_code
from tests.backends.text.test_terminal_safe import assert_drawable
from tests.console.hostile_text import HOSTILE


def run_tmux(socket: Path, *words: str) -> str:
    """What tmux prints."""
    program = shutil.which("tmux")
    if program is None:
        pytest.skip("tmux is not installed")
    environ = {"PATH": os.environ["PATH"], "TERM": "xterm-256color", "HOME": str(socket.parent)}
    done = subprocess.run([program, "-S", socket, *words], env=environ, capture_output=True, check=True, timeout=20)
    return done.stdout.decode()


@pytest.fixture
def tmux(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A tmux server of its own, whose clients are those that this test starts."""
    socket = tmp_path / "tmux.sock"
    run_tmux(socket, "-f", "/dev/null", "new", "-d")
    monkeypatch.setenv("TMUX", f"{socket},0,0")
    try:
        yield socket
    finally:
        run_tmux(socket, "kill-server")


async def test_inside_tmux_its_buffer_has_the_text_and_the_line_says_so(tmux: Path) -> None:
    sent: list[str] = []
    copied = await Clipboard(sent.append).copy("line one\n\tline two ü")
    assert copied == ("Copied 20 characters to tmux's buffer: prefix ] pastes it", True)
    assert await asyncio.to_thread(run_tmux, tmux, "show-buffer") == "line one\n\tline two ü"
    assert sent == []


async def test_a_tmux_that_is_gone_is_no_success(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if shutil.which("tmux") is None:
        pytest.skip("tmux is not installed")
    monkeypatch.setenv("TMUX", f"{tmp_path / 'gone'},0,0")
    sent: list[str] = []
    copied = await Clipboard(sent.append, path=tmp_path / "state" / "copied.txt").copy("answer")
    assert copied.line.startswith("tmux refused it (")
    assert copied.line.endswith(f"written to {tmp_path / 'state' / 'copied.txt'}")
    assert (tmp_path / "state" / "copied.txt").read_text() == "answer"
    assert sent == []


async def test_a_machine_without_tmux_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    copied = await Clipboard(lambda _: None, environ={"TMUX": "x"}).copy("answer")
    assert copied.line == (
        "tmux cannot be run (No such file or directory): not copied, and there is no file to write it to"
    )


async def test_a_terminal_gets_it_and_the_line_does_not_claim_more() -> None:
    sent: list[str] = []
    copied = await Clipboard(sent.append, environ={"TERM": "xterm-256color"}).copy("answer")
    assert copied == ("Sent 6 characters to the terminal (OSC 52); whether it took them is not known", False)
    assert sent == ["answer"]


@pytest.mark.parametrize(
    ("text", "term", "why"),
    [
        ("x" * (OSC_52_MAX + 1), "xterm", "64.0 KB are more than terminals take"),
        ("x", "linux", "This terminal has no clipboard"),
    ],
)
async def test_what_no_clipboard_takes_is_in_a_private_file(tmp_path: Path, text: str, term: str, why: str) -> None:
    path, sent = tmp_path / "copied.txt", list[str]()
    copied = await Clipboard(sent.append, path=path, environ={"TERM": term}).copy(text)
    assert copied == (f"{why}: written to {path}", True)
    assert (path.read_text(), stat.S_IMODE(path.stat().st_mode), sent) == (text, 0o600, [])


async def test_a_file_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    copied = await Clipboard(lambda _: None, path=tmp_path / "file" / "copied.txt").to_file("answer")
    assert copied.line.startswith("not copied, ")


@pytest.mark.parametrize("text", HOSTILE)
@pytest.mark.proves("S32")
def test_nothing_that_is_copied_drives_a_terminal(text: str) -> None:
    assert_drawable(clean(text).replace("\t", "").replace("\n", ""))


def test_code_blocks_are_what_stands_between_fences() -> None:
    answer = "text\n```sh\nls -l\n\n  indented\n```\nmore\n   ~~~\n   a\n   ```\n   ~~~\n\n```\nnot closed"
    assert fenced_code(answer) == ["ls -l\n\n  indented", "a\n```", "not closed"]
    assert fenced_code("no `code` here") == []
