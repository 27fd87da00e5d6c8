"""Labelled prompts as files: JSON lines, plain or gzipped, whose keys decide what they measure.

`prompt` with `labels` (model to 0..1: did it answer well?) measures routing, `prompt` with `intent` the classifier,
`prompt` with `sensitive` the privacy gate, where `kinds` or `kind` say what a row holds. Other keys are ignored.
"""

import gzip
import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Literal

import msgspec
from msgspec import Struct

from backends.errors import WrongUse
from backends.types import Message, Request

Kind = Literal["routing", "intents", "privacy"]
LARGEST_B = 256 * 1024 * 1024
"""A set that unpacks to more than this is an error."""


class Row(Struct, frozen=True, kw_only=True):
    prompt: str
    id: str = ""
    labels: dict[str, float] | None = None
    intent: str | None = None
    hard: bool | None = None
    sensitive: bool | None = None
    kinds: tuple[str, ...] = ()
    kind: str = ""

    def request(self) -> Request:
        return Request(id="evaluation", messages=(Message(role="user", text=self.prompt),))


class Dataset(Struct, frozen=True, kw_only=True):
    name: str
    kind: Kind
    rows: Sequence[Row]


def datasets(folder: Path, name: str | None = None) -> Iterator[Dataset]:
    """Each set of `folder`, or the one of this name. Raises WrongUse where there is none, or a line cannot be read."""
    try:
        paths = sorted(path for path in folder.iterdir() if path.name.endswith((".jsonl", ".jsonl.gz")))
    except OSError as error:
        raise WrongUse(f"{folder} cannot be read ({error.strerror}): --data is a folder of labelled prompts") from None
    found = {path.name.partition(".jsonl")[0]: path for path in paths}
    if name is not None and name not in found:
        raise WrongUse(f"{folder} has no set {name!r}: it has {', '.join(found) or 'none'}")
    if not found:
        raise WrongUse(f"{folder} has no .jsonl or .jsonl.gz file: --data is a folder of labelled prompts")
    for each, path in found.items():
        if name in (None, each):
            yield _dataset(each, read(path))


def read(path: Path) -> list[Row]:
    """The rows of one file. Raises WrongUse, naming the line."""
    try:
        with gzip.open(path) if path.suffix == ".gz" else path.open("rb") as file:
            data = file.read(LARGEST_B + 1)
    except (OSError, EOFError, zlib.error) as error:
        raise WrongUse(f"{path} cannot be read ({error}): is it JSON lines, or gzipped ones?") from None
    if len(data) > LARGEST_B:
        raise WrongUse(f"{path} has more than {LARGEST_B // 1024 // 1024} MB: split it")
    rows = []
    for number, line in enumerate(data.splitlines(), 1):
        if line.strip():
            try:
                rows.append(msgspec.json.decode(line, type=Row))
            except (msgspec.DecodeError, RecursionError) as error:
                raise WrongUse(f"{path}, line {number}: {error}") from None
    return rows


def _dataset(name: str, rows: list[Row]) -> Dataset:
    kinds: dict[Kind, list[Row]] = {
        "routing": [row for row in rows if row.labels],
        "intents": [row for row in rows if row.intent is not None],
        "privacy": [row for row in rows if row.sensitive is not None],
    }
    kind = max(kinds, key=lambda each: len(kinds[each]))
    if not kinds[kind]:
        raise WrongUse(f"the set {name} has no row with labels, intent or sensitive: see `claw route eval --help`")
    return Dataset(name=name, kind=kind, rows=kinds[kind])
