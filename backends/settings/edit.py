"""Settings of claw.toml changed in place: comments and order stay, and a file that would not load is never written."""

import fcntl
import os
import tempfile
import tomllib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from backends.errors import WrongSettings, WrongUse
from backends.settings.loading import load
from backends.settings.sources import raw


def set_keys(path: Path, values: Mapping[str, str]) -> None:
    """Set each dotted key to its value, written as in TOML; bare words are text. `path` may be absent.

    Raises WrongUse for a key that cannot be one, WrongSettings where the file would not load; both change nothing.
    """
    path = path.resolve()  # a link stays a link
    try:
        with _alone(path.parent):
            _replace(path, _changed(path, values))
    except OSError as error:
        raise WrongSettings(
            f"{path} cannot be written ({error.strerror}): check its folder's owner and free space"
        ) from None


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Every other `claw config set` in the folder waits until the end: each reads what the one before wrote."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def _changed(path: Path, values: Mapping[str, str]) -> str:
    import tomlkit

    try:
        document = tomlkit.parse(raw(path).decode("utf-8"))
        for key, value in values.items():
            *tables, last = parts_of(key)
            table: Any = document
            for part in tables:
                table = table.setdefault(part, tomlkit.table())
                if not isinstance(table, dict):
                    raise WrongUse(f"`{key}` is not in a table: edit {path} by hand")
            table[last] = _value(value)
    except (tomlkit.exceptions.TOMLKitError, UnicodeDecodeError) as error:
        raise WrongSettings(f"{path} is not valid TOML ({error}): correct it by hand first") from None
    return tomlkit.dumps(document)


def parts_of(key: str) -> list[str]:
    """The parts of a dotted key, quoted ones included. Raises WrongUse for what is none."""
    try:
        found: Any = tomllib.loads(f"{key} = 0")
    except tomllib.TOMLDecodeError:
        raise WrongUse(f"{key!r} is not the name of a setting, such as agents.writer.policy") from None
    parts = []
    while isinstance(found, dict):
        if len(found) != 1:
            raise WrongUse(f"{key!r} is not the name of a setting, such as agents.writer.policy")
        ((part, found),) = found.items()
        parts.append(part)
    return parts


def _value(text: str) -> Any:
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        return text


def _replace(path: Path, text: str) -> None:
    """Write a new file beside the old one, private at once; load it as a check; then move it over the old one."""
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
