"""One setting of claw.toml changed in place: comments and order stay; a file that would not work is never written."""

import os
import tempfile
import tomllib
from pathlib import Path
from typing import Any

from backends.errors import WrongSettings, WrongUse
from backends.settings import load


def set_one(path: Path, key: str, value: str) -> None:
    """Set the dotted `key` to `value`, written as in TOML; bare words are text. `path` may be absent.

    Raises WrongUse for what is no key, WrongSettings where the file would not be valid, and then changes nothing.
    """
    import tomlkit

    path = path.resolve()  # a link stays a link
    try:
        document = tomlkit.parse(path.read_text(encoding="utf-8")) if path.exists() else tomlkit.document()
        parts = _parts(key)
        table: Any = document
        for part in parts[:-1]:
            table = table.setdefault(part, tomlkit.table())
            if not isinstance(table, dict):
                raise WrongUse(f"`{key}` lies in no table: edit {path} by hand")
        table[parts[-1]] = _value(value)
    except (tomlkit.exceptions.TOMLKitError, UnicodeDecodeError) as error:
        raise WrongSettings(f"{path} is no valid TOML ({error}): mend it by hand first") from None
    _replace(path, tomlkit.dumps(document))


def _parts(key: str) -> list[str]:
    """The parts of a dotted key, quoted ones included."""
    try:
        found: Any = tomllib.loads(f"{key} = 0")
    except tomllib.TOMLDecodeError:
        raise WrongUse(f"{key!r} is no setting's name: as agents.writer.policy") from None
    parts = []
    while isinstance(found, dict):
        if len(found) != 1:
            raise WrongUse(f"{key!r} is no setting's name: as agents.writer.policy")
        ((part, found),) = found.items()
        parts.append(part)
    return parts


def _value(text: str) -> Any:
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        return text


def _replace(path: Path, text: str) -> None:
    """Written beside, read back as settings, then moved over the old file, private from birth."""
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f"{path.name}.")
    new = Path(name)
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        try:
            load(new, {})
        except WrongSettings as error:
            raise WrongSettings(str(error).replace(name, str(path))) from None
        new.replace(path)
    finally:
        new.unlink(missing_ok=True)
