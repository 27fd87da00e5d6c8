"""The prompts sent from the chat, to be recalled later; on disk only where the operator stores bodies."""

import contextlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, overload

from backends.paths import read_bounded, replace_private

KEPT = 500
KEPT_CHARACTERS = 1_000_000
"""Of all prompts together; the oldest go first."""
LONGEST = 50_000
"""Characters; a longer prompt is not kept."""
LARGEST_FILE = 20_000_000
"""Bytes; a larger file is none of ours."""
KEY = "prompts"


class ChatHistory(Sequence[str]):
    """Prompts, oldest first, without adjacent duplicates. Without a path they end with the process.

    The file is JSON, mode 0600, and may hold other keys, which stay. Only `load` and `save` use it; both block, so
    call them in a thread.
    """

    def __init__(self, path: Path | None = None) -> None:
        self._path = path
        self._prompts: list[str] = []

    def add(self, prompt: str) -> None:
        if len(prompt) > LONGEST or (self._prompts and self._prompts[-1] == prompt):
            return
        self._prompts = _bounded([*self._prompts, prompt])

    def load(self) -> None:
        """Put the stored prompts before those that were added since. A file that cannot be read counts as empty."""
        self._prompts = _bounded([*_prompts(self._read()), *self._prompts])

    def save(self) -> None:
        """Write the prompts; where that fails, they stay in memory only."""
        if self._path is None:
            return
        stored = self._read()
        stored[KEY] = self._prompts
        with contextlib.suppress(OSError):
            self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            replace_private(self._path, json.dumps(stored, ensure_ascii=False).encode(errors="replace"))

    def _read(self) -> dict[str, Any]:
        if self._path is None:
            return {}
        try:
            stored = json.loads(read_bounded(self._path, LARGEST_FILE))
        except (OSError, ValueError, RecursionError):
            return {}
        return stored if isinstance(stored, dict) else {}

    @overload
    def __getitem__(self, index: int) -> str: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[str]: ...
    def __getitem__(self, index: int | slice) -> str | Sequence[str]:
        return self._prompts[index]

    def __len__(self) -> int:
        return len(self._prompts)


def _prompts(stored: dict[str, Any]) -> list[str]:
    prompts = stored.get(KEY)
    return [prompt for prompt in prompts if isinstance(prompt, str)] if isinstance(prompts, list) else []


def _bounded(prompts: list[str]) -> list[str]:
    kept = prompts[-KEPT:]
    size = sum(map(len, kept))
    while size > KEPT_CHARACTERS:
        size -= len(kept.pop(0))
    return kept
