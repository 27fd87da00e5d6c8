"""`claw config`: the settings in force and where each came from; a commented file to start with; changes."""

import argparse
import re
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import msgspec

from backends.commands.json_output import encoded
from backends.errors import WrongUse
from backends.paths import Paths, open_private
from backends.settings.default_file import commented_file
from backends.settings.edit import set_keys
from backends.settings.loading import Loaded, load
from backends.settings.notify import Notify
from backends.settings.overridden import LIVE
from backends.settings.section import quoted
from backends.text.terminal_safe import safe

ADDRESSES = frozenset({"proxy", "base_url", "replicas"})
"""Settings of an engine that may hold a user and a password, which are never printed."""

USER = re.compile(r"(?<=://)[^/\s\"]*@")
"""A user and a password in an address, also in a list of several as it stands in claw.toml."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "what", nargs="?", choices=("show", "init", "path", "set"), default="show", help="show is the default"
    )
    parser.add_argument(
        "pairs",
        nargs="*",
        metavar="KEY VALUE",
        help="for set: a setting, as agents.writer.policy, and its new value, as in claw.toml; several pairs are set"
        " together",
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object")


def run(args: argparse.Namespace) -> int:
    path = Paths.find().config
    match args.what:
        case "path":
            print(path)
        case "init":
            _init()
        case "set":
            _set(path, args.pairs)
        case _:
            _show(load(path), json=args.json)
    return 0


def _init() -> None:
    paths = Paths.find()
    paths.make()
    try:
        # Path.open takes no opener, and the file must be private from birth.
        with open(paths.config, "x", encoding="utf-8", opener=open_private) as file:
            file.write(commented_file())
    except FileExistsError:
        raise WrongUse(f"{paths.config} exists already: edit it, or move it first") from None
    print(paths.config)


def _set(path: Path, pairs: Sequence[str]) -> None:
    if not pairs or len(pairs) % 2:
        raise WrongUse("`claw config set` needs KEY and VALUE: for example `claw config set agents.writer.policy auto`")
    values = dict(zip(pairs[::2], pairs[1::2], strict=True))
    Paths.find().make()
    set_keys(path, values)
    for key, value in values.items():
        shown = _without_users(value) if _is_address(key) else "…" if key == "heartbeat.url" else value
        when = "after `claw act reload`" if key.partition(".")[0] in LIVE else "at its next start"
        print(safe(f"{key} = {shown}  # {path}; a running core uses it {when}"))


def _show(loaded: Loaded, *, json: bool) -> None:
    rows = [(key, value, _source(loaded, key)) for key, value in _flat(loaded.settings)]
    if json:
        table = {key: {"value": value, "source": source} for key, value, source in rows}
        sys.stdout.write(encoded(table) + "\n")
        return
    for key, value, source in rows:
        text = msgspec.json.encode(value).decode()
        print(safe(f"{key} = {text}  # {source}"))


def _source(loaded: Loaded, key: str) -> str:
    """Where a value came from; a list of tables has the source of any of its keys."""
    inner = (source for name, source in loaded.sources.items() if name.startswith(f"{key}."))
    return loaded.sources.get(key) or next(inner, "built in")


def _flat(section: msgspec.Struct, prefix: str = "") -> list[tuple[str, Any]]:
    config = type(section).__struct_config__
    rows: list[tuple[str, Any]] = [(f"{prefix}{config.tag_field}", config.tag)] if config.tag_field else []
    for field in msgspec.structs.fields(section):
        value = getattr(section, field.name)
        rows += _rows(f"{prefix}{field.name}", value)
    return rows


def _rows(key: str, value: Any) -> list[tuple[str, Any]]:
    if isinstance(value, msgspec.Struct):
        return _flat(value, f"{key}.")
    if key == "notify":
        return [(key, tuple(map(_without_secrets, value)))]
    if key == "heartbeat.url":
        return [(key, _host_alone(value))]
    if _is_address(key) and value:
        return [(key, _without_users(value))]
    if isinstance(value, dict) and value:
        return [row for name, inner in value.items() for row in _rows(f"{key}.{quoted(name)}", inner)]
    return [(key, value)]


def _without_secrets(target: Notify) -> dict[str, Any]:
    """An address of a push is a secret by itself, and a program's arguments may hold one."""
    argv = (target.argv[0], "…") if len(target.argv) > 1 else target.argv
    shown: dict[str, Any] = msgspec.to_builtins(target)
    return shown | {"url": _host_alone(target.url), "argv": argv}


def _host_alone(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.hostname}/…" if url else ""


def _is_address(key: str) -> bool:
    return key.startswith("engines.") and key.rpartition(".")[2] in ADDRESSES


def _without_users(addresses: Any) -> Any:
    """One address, or several, without user and password."""
    if isinstance(addresses, str):
        return USER.sub("…@", addresses)
    return [USER.sub("…@", each) for each in addresses]
