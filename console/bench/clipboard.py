"""Copying out of the console: tmux's buffer, the terminal's clipboard (OSC 52), or a file; and what is known of it.

A terminal does not say whether it took an OSC 52, so the line says only that it was sent. tmux does say.
"""

import asyncio
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NamedTuple

from backends.child_environment import terminal_environment
from backends.paths import replace_private
from backends.text.measures import count, size
from backends.text.terminal_safe import SafeText, safe

OSC_52_MAX = 65_536
"""Bytes that go to a terminal's clipboard; terminals drop much more, without a word."""
TMUX_TIMEOUT_S = 2.0
WITHOUT_CLIPBOARD = ("linux", "dumb", "vt100", "vt220")
"""Values of TERM whose terminals have none."""


class Copied(NamedTuple):
    """What became of a text, in a line; `certain` where that is known."""

    line: str
    certain: bool


def clean(text: str) -> SafeText:
    """Text that can be pasted into a shell's editor without harm; tabs stay, because code needs them."""
    return SafeText("\t".join(safe(part, newlines=True) for part in text.split("\t")))


class Clipboard:
    """`send` gives a text to the terminal (OSC 52), `path` is the file that takes what no clipboard does, or None."""

    def __init__(
        self, send: Callable[[str], object], *, path: Path | None = None, environ: Mapping[str, str] = os.environ
    ) -> None:
        self._send = send
        self._path = path
        self._environ = environ

    async def copy(self, text: str) -> Copied:
        """To tmux inside tmux, else to the terminal, else to the file."""
        cleaned = clean(text)
        what = f"{count(len(cleaned))} characters"
        trouble = ""
        if self._environ.get("TMUX"):
            trouble = await _into_tmux(cleaned)
            if not trouble:
                return Copied(f"Copied {what} to tmux's buffer: prefix ] pastes it", certain=True)
        elif self._environ.get("TERM", "") in WITHOUT_CLIPBOARD:
            trouble = "This terminal has no clipboard"
        elif (weight := len(cleaned.encode())) > OSC_52_MAX:
            trouble = f"{size(weight)} are more than terminals take"
        else:
            self._send(cleaned)
            return Copied(f"Sent {what} to the terminal (OSC 52); whether it took them is not known", certain=False)
        return await self.to_file(text, trouble)

    async def to_file(self, text: str, trouble: str = "") -> Copied:
        """Into the file alone, mode 0600, in place of what was copied before."""
        before = f"{trouble}: " if trouble else ""
        if self._path is None:
            return Copied(f"{before}not copied, and there is no file to write it to", certain=True)
        try:
            await asyncio.to_thread(_store, self._path, clean(text))
        except OSError as error:
            return Copied(f"{before}not copied, {self._path} cannot be written ({error.strerror})", certain=True)
        return Copied(f"{before}written to {self._path}", certain=True)


async def _into_tmux(text: str) -> str:
    """Load tmux's buffer, and with `-w` the clipboard of its terminal. Returns what went wrong, "" for nothing."""
    process = None
    try:
        async with asyncio.timeout(TMUX_TIMEOUT_S):
            process = await asyncio.create_subprocess_exec(
                *("tmux", "load-buffer", "-w", "-"),
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.DEVNULL,
                stderr=asyncio.subprocess.PIPE,
                env=terminal_environment(),
            )
            _, errors = await process.communicate(text.encode())
    except TimeoutError:
        return "tmux does not answer"
    except OSError as error:
        return f"tmux cannot be run ({error.strerror})"
    finally:
        if process is not None and process.returncode is None:
            process.kill()
            await process.wait()
    if process.returncode:
        return f"tmux refused it ({' '.join(errors.decode(errors='replace').split()) or process.returncode})"
    return ""


def _store(path: Path, text: str) -> None:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    replace_private(path, text.encode(errors="replace"))
