"""The draft in the operator's own editor: the console steps aside, the core goes on, and the file is private and gone
afterwards."""

import asyncio
import os
import shlex
import signal
import tempfile
from collections.abc import Callable, Generator, Mapping
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path

from backends.child_environment import terminal_environment
from backends.errors import WrongUse

LARGEST = 16_777_216
"""Bytes that are read back."""


def editor(environ: Mapping[str, str]) -> list[str]:
    """The command of $VISUAL, else of $EDITOR, else vi. Raises WrongUse for one that is no command."""
    line = environ.get("VISUAL") or environ.get("EDITOR") or "vi"
    try:
        words = shlex.split(line)
    except ValueError:
        words = []
    if not words:
        raise WrongUse(f"$EDITOR is no command: {line}")
    return words


async def edit(
    text: str, *, aside: Callable[[], AbstractContextManager[None]], environ: Mapping[str, str] = os.environ
) -> str:
    """`text` as the operator left it. `aside` gives the terminal to the editor while its context is open.

    Raises WrongUse where the editor cannot run or does not end well: the text is then as it was.
    """
    words = editor(environ)
    name = Path(words[0]).name
    path = await asyncio.to_thread(_written, text, environ.get("XDG_RUNTIME_DIR"))
    try:
        with aside(), _interrupts_ignored():
            # the event loop goes on: a core in this process still answers its callers
            process = await asyncio.create_subprocess_exec(*words, str(path), env=terminal_environment())
            status = await process.wait()
        if status:
            raise WrongUse(f"{name} ended with status {status}: the prompt is as it was")
        return await asyncio.to_thread(_read, path)
    except OSError as error:
        raise WrongUse(f"{name} cannot be run ({error.strerror}): set $EDITOR") from None
    finally:
        await asyncio.to_thread(_remove, path)


def _written(text: str, folder: str | None) -> Path:
    """A private file (0600), in memory where the system has such a folder."""
    where = folder if folder and os.access(folder, os.W_OK) else None
    descriptor, name = tempfile.mkstemp(prefix="claw-prompt-", suffix=".md", dir=where)
    with os.fdopen(descriptor, "w", encoding="utf-8", errors="replace") as file:
        file.write(text)
    return Path(name)


def _read(path: Path) -> str:
    with path.open("rb") as file:
        data = file.read(LARGEST + 1)
    if len(data) > LARGEST:
        raise WrongUse(f"the edited prompt has more than {LARGEST:,} bytes: the prompt is as it was")
    return data.decode("utf-8", "replace").removesuffix("\n")


def _remove(path: Path) -> None:
    with suppress(FileNotFoundError):
        path.unlink()


@contextmanager
def _interrupts_ignored() -> Generator[None]:
    """ctrl+c belongs to the editor. A handler, not SIG_IGN, which the editor would inherit."""
    before = signal.signal(signal.SIGINT, lambda *_: None)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
