"""Saved prompts with variables, in a file that the operator may edit: `[prompts]`, a name and its text in each line.

The operator saves a prompt by name, so it is stored also where prompts are not kept otherwise. All of it reads or
writes the disk: call it in a thread.
"""

import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from backends.errors import WrongUse
from backends.paths import read_bounded, replace_private

KEPT = 500
LONGEST = 100_000
"""Characters of one prompt."""
LONGEST_FILE = 20_000_000
NAME = re.compile(r"[\w.-]{1,64}")
_VARIABLE = re.compile(r"\{\{[ \t]*([^\W\d][\w-]{0,63})[ \t]*\}\}")


def variables(text: str) -> list[str]:
    """The names that stand in `{{name}}`, each once, in order."""
    return list(dict.fromkeys(_VARIABLE.findall(text)))


def filled(text: str, values: Mapping[str, str]) -> str:
    """`text` with its variables replaced. A value is never read for variables itself; one without a value stays."""
    return _VARIABLE.sub(lambda found: values.get(found[1], found[0]), text)


class SavedPrompts:
    """Without a path they end with the process."""

    def __init__(self, path: Path | None = None) -> None:
        self._path = path
        self._unstored: dict[str, str] = {}

    def load(self) -> dict[str, str]:
        """Every prompt by name. Raises WrongUse for a file that is not as it should be."""
        prompts = self._document().get("prompts", {}) if self._path is not None else self._unstored
        if not isinstance(prompts, dict) or not all(isinstance(text, str) for text in prompts.values()):
            raise WrongUse(f"{self._path}: [prompts] holds a text for each name")
        return dict(prompts)

    def save(self, name: str, text: str) -> None:
        """Store a prompt, in place of one of the same name. Raises WrongUse."""
        if not NAME.fullmatch(name):
            raise WrongUse("a prompt's name has 1 to 64 letters, digits, dots, dashes or underscores")
        if len(text) > LONGEST:
            raise WrongUse(f"a saved prompt has at most {LONGEST:,} characters")
        prompts = self.load() | {name: text}
        if len(prompts) > KEPT:
            raise WrongUse(f"there are {KEPT} saved prompts already: delete one first")
        self._store(name, text)

    def delete(self, name: str) -> None:
        """Raises WrongUse where the file cannot be written."""
        self._store(name, None)

    def _store(self, name: str, text: str | None) -> None:
        if self._path is None:
            self._unstored = {each: old for each, old in self._unstored.items() if each != name}
            if text is not None:
                self._unstored[name] = text
            return
        import tomlkit  # which keeps the operator's comments, and takes a while to import
        import tomlkit.items

        try:
            document = (
                tomlkit.parse(read_bounded(self._path, LONGEST_FILE).decode())
                if self._path.exists()
                else tomlkit.document()
            )
            prompts: Any = document.setdefault("prompts", tomlkit.table())
            prompts.pop(name, None)
            if text is not None:
                prompts.add(name, tomlkit.string(text, multiline="\n" in text and "\r" not in text))
            self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            replace_private(self._path, tomlkit.dumps(document).encode(errors="replace"))
        except (OSError, ValueError, RecursionError) as error:
            raise WrongUse(f"{self._path} cannot be written ({error})") from None

    def _document(self) -> dict[str, Any]:
        assert self._path is not None  # noqa: S101 — its callers have looked
        try:
            return tomllib.loads(read_bounded(self._path, LONGEST_FILE).decode())
        except FileNotFoundError:
            return {}
        except (OSError, ValueError, RecursionError) as error:
            raise WrongUse(f"{self._path} cannot be read ({error})") from None
