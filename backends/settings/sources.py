"""What settings are read from: claw.toml and the environment, as plain tables that are not checked yet."""

import os
import stat
import tomllib
from collections.abc import Iterator, Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from backends.errors import WrongSettings
from backends.settings.engines import is_loopback
from backends.types import LOCAL

LARGEST_B = 1_048_576
"""About a hundred times a file with every setting and its comment."""


def read(path: Path) -> dict[str, Any]:
    """The tables of `path`, none where it is absent. Raises WrongSettings."""
    return _parsed(path, raw(path))


def raw(path: Path) -> bytes:
    """The bytes of `path`, none where it is absent. Raises WrongSettings. It never waits for a writer."""
    try:
        if not stat.S_ISREG(path.stat().st_mode):
            raise WrongSettings(f"{path} is not a regular file: move it away, or make it a UTF-8 text file")
        with open(path, "rb", opener=_without_waiting) as file:
            found = file.read(LARGEST_B + 1)
    except FileNotFoundError:
        return b""
    except (OSError, ValueError) as error:
        raise _unreadable(path, error) from None
    if len(found) > LARGEST_B:
        raise WrongSettings(f"{path} is larger than 1 MiB: is it a settings file? `claw config init` writes one")
    return found


def from_environment(env: Mapping[str, str], file: Mapping[str, Any]) -> Iterator[tuple[str, tuple[str, ...], str]]:
    """Each (variable, key, value) that is set, the key by its parts. OLLAMA_HOST is for Ollama alone: engines that
    `file` gives another kind keep their address, and so do those beside the built-in one that have one. Those that
    list their hosts as local keep it where OLLAMA_HOST is another machine: nothing sensitive follows a variable there.
    """
    if host := env.get("OLLAMA_HOST"):
        address = ollama_url(host)
        for name, table in _without_address(file):
            if table.get("zone") != LOCAL or is_loopback(address):
                yield "OLLAMA_HOST", ("engines", name, "base_url"), address
    if url := env.get("CLAW_GEMINI_BASE_URL"):
        yield "CLAW_GEMINI_BASE_URL", ("engines", "cloud", "base_url"), url


def _without_address(file: Mapping[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """The Ollama engines that OLLAMA_HOST is for, by the file, each with its table, which is not checked yet."""
    engines = file.get("engines")
    tables: dict[str, Any] = {"local": {}} | (engines if isinstance(engines, dict) else {})
    for name, given in tables.items():
        table = given if isinstance(given, dict) else {}
        kind = table.get("kind", "ollama" if name == "local" else None)
        if kind == "ollama" and (name == "local" or "base_url" not in table):
            yield name, table


def ollama_url(host: str) -> str:
    """OLLAMA_HOST as Ollama reads it: scheme and port are optional, and a bind-all address means this machine."""
    scheme, _, rest = host.strip().rpartition("://")
    scheme = scheme or "http"
    try:
        parts = urlsplit(f"{scheme}://{rest}")
        port = parts.port or {"http": 11434 if "://" not in host else 80, "https": 443}.get(scheme, 11434)
    except ValueError:
        raise WrongSettings("OLLAMA_HOST is not an address: use HOST:PORT, as 127.0.0.1:11434") from None
    name = parts.hostname or "127.0.0.1"
    name = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(name, name)  # noqa: S104 — read, not listened on
    return f"{scheme}://{f'[{name}]' if ':' in name else name}:{port}{parts.path.rstrip('/')}"


def paths_of(table: Mapping[str, Any], *prefix: str) -> Iterator[tuple[str, ...]]:
    """Every value's place in nested tables, once for each item of a list of tables."""
    for name, value in table.items():
        if isinstance(value, dict) and value:
            yield from paths_of(value, *prefix, name)
        elif isinstance(value, list) and value and all(isinstance(item, dict) for item in value):
            for item in value:
                yield from paths_of(item, *prefix, name)
        else:
            yield (*prefix, name)


def put(table: dict[str, Any], key: tuple[str, ...], value: Any) -> None:
    """Set a key, making the tables on the way to it; where one of them is no table, nothing is set."""
    *folders, last = key
    for folder in folders:
        table = table.setdefault(folder, {})
        if not isinstance(table, dict):
            return  # what stands there instead is refused when it is converted
    table[last] = value


def _without_waiting(path: str, flags: int) -> int:
    """Open without blocking: a FIFO that has taken the file's place would wait until somebody writes."""
    return os.open(path, flags | os.O_NONBLOCK)


def _parsed(path: Path, text: bytes) -> dict[str, Any]:
    try:
        return tomllib.loads(text.decode("utf-8"), parse_float=Decimal)
    except UnicodeDecodeError as error:
        raise _unreadable(path, error) from None
    # Beside its own error tomllib lets through those of numbers too long to convert and of brackets too deep to follow.
    except (ValueError, ArithmeticError, RecursionError) as error:
        raise WrongSettings(f"{path} is not valid TOML: {error}") from None


def _unreadable(path: Path, error: Exception) -> WrongSettings:
    return WrongSettings(f"{path} cannot be read ({error.__class__.__name__}): make it a UTF-8 text file you own")
