"""The rows of a routing data folder, in the form that its README describes."""

import gzip
from pathlib import Path
from typing import TypeVar

import msgspec
from msgspec import Struct, field

from backends.types import Message, Request

T = TypeVar("T")


class Row(Struct, frozen=True):
    """A prompt and whether each model answered it well; of some models also what they answered."""

    id: str
    dataset: str
    subject: str
    prompt: str
    labels: dict[str, float]
    answers: dict[str, str] = field(default_factory=dict)


class Prompted(Struct, frozen=True, kw_only=True):
    prompt: str

    def request(self) -> Request:
        return Request(id="benchmark", messages=(Message(role="user", text=self.prompt),))


class Intended(Prompted, frozen=True, kw_only=True):
    """A prompt as an agent sends it."""

    agent: str
    intent: str
    hard: bool
    needs: list[str]


class Private(Prompted, frozen=True, kw_only=True):
    """A prompt with or without secrets and personal data."""

    sensitive: bool
    kinds: list[str]


def labelled(folder: Path, name: str) -> list[Row]:
    with gzip.open(folder / f"{name}.jsonl.gz") as file:
        return [msgspec.json.decode(line, type=Row) for line in file]


def intents(folder: Path, name: str) -> list[Intended]:
    return _lines(folder / f"{name}.jsonl", Intended)


def private(folder: Path, name: str) -> list[Private]:
    return _lines(folder / f"{name}.jsonl", Private)


def _lines(path: Path, kind: type[T]) -> list[T]:
    return [msgspec.json.decode(line, type=kind) for line in path.read_bytes().splitlines() if line]
