"""One setting of claw.toml changed in place: comments and order stay; a file that would not work is never written."""

import fcntl
import os
import tempfile
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from backends.errors import WrongSettings, WrongUse
from backends.settings.loading import load
from backends.settings.sources import raw


def set_one(path: Path, key: str, value: str) -> None:
    """Set the dotted `key` to `value`, written as in TOML; bare words are text. `path` may be absent.

    Raises WrongUse for what is no key, WrongSettings where the file would not be valid, and then changes nothing.
    """
    path = path.resolve()  # a link stays a link
    try:
        with _alone(path.parent):
            _replace(path, _changed(path, key, value))
    except OSError as error:
        raise WrongSettings(f"{path} cannot be written ({error.strerror}): make its folder yours, with space") from None


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Until its end every other `claw config set` in the folder waits: each reads what the one before wrote."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def _changed(path: Path, key: str, value: str) -> str:
    import tomlkit

    try:
        document = tomlkit.parse(raw(path).decode("utf-8"))
        parts = _parts(key)
        table: Any = document
        for part in parts[:-1]:
            table = table.setdefault(part, tomlkit.table())
            if not isinstance(table, dict):
                raise WrongUse(f"`{key}` lies in no table: edit {path} by hand")
        table[parts[-1]] = _value(value)
    except (tomlkit.exceptions.TOMLKitError, UnicodeDecodeError) as error:
        raise WrongSettings(f"{path} is no valid TOML ({error}): mend it by hand first") from None
    return tomlkit.dumps(document)


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
