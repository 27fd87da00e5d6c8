"""Recorded requests in a file: bodies of any dialect, alone or with their headers.

A file is one JSON object, however it is laid out, or JSON lines. An object is a body, or has a `body` beside its `id`,
`agent` and `headers`, as recorded files do.
"""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

from msgspec import Struct

from backends.errors import WrongUse
from backends.gateway.canonical_request import canonical
from backends.gateway.dialects.any_dialect import read_fields
from backends.gateway.http_errors import HttpError
from backends.gateway.json_body import fields_of
from backends.gateway.model_names import Target, checked_agent
from backends.identity import new_id
from backends.types import Request

OPENING = (b"{", b"[")
"""What an object that is laid out over several lines begins with."""

HEADERS = 100
"""The most headers of one request, as at the gateway."""


class Recorded(Struct, frozen=True, kw_only=True):
    """One request as it was sent; `headers` by lower-case name."""

    body: dict[str, Any]
    agent: str | None = None
    headers: dict[bytes, str] = {}


@contextmanager
def opened(name: str) -> Iterator[BinaryIO]:
    """The file of this name, or stdin for "-". Raises WrongUse where there is none."""
    if name == "-":
        if sys.stdin is None:
            raise WrongUse("there is no stdin to read requests from: name a file, or pipe them in")
        yield sys.stdin.buffer
        return
    try:
        file = Path(name).open("rb")  # noqa: SIM115 — closed below, apart from errors of its reader
    except OSError as error:
        raise WrongUse(f"{name} cannot be read ({error.strerror}): name a file with requests") from None
    with file:
        yield file


def objects(file: BinaryIO, longest: int) -> Iterator[tuple[int, bytes]]:
    """The JSON objects of a file as far as it is read, each with the number of its line. Blank lines are passed over.

    Where the first line is no object by itself, the whole file may be one of at most `longest` bytes. Of a line beyond
    that only the beginning is given, which is no JSON.
    """
    numbered = ((number, line) for number, line in enumerate(_bounded(file, longest), 1) if line.strip())
    begun: list[tuple[int, bytes]] = []
    size = 0
    for number, line in numbered:
        begun.append((number, line))
        size += len(line)
        if size > longest or _is_object(begun[0][1]):
            break
    else:
        whole = b"".join(line for _, line in begun)
        if begun and (begun[0][1].strip() in OPENING or _is_object(whole)):
            begun = [(begun[0][0], whole)]
    yield from begun
    yield from numbered


def requests(file: BinaryIO, longest: int) -> Iterator[Request]:
    """The requests of a file, whatever their models are. Raises WrongUse where an object is none, with its line."""
    for number, line in objects(file, longest):
        try:
            each = recorded(fields_of(line))
            asked = read_fields(each.body)
            target = Target(agent=checked_agent(each.agent) or "default", model=asked.model)
            yield canonical(asked, target, each.headers.get, id=new_id())
        except HttpError as error:
            raise WrongUse(f"line {number}: {error}") from None


def recorded(fields: dict[str, Any]) -> Recorded:
    """The request that an object of a file is. Raises HttpError (400) for wrong headers, agent or body."""
    if "body" not in fields:
        return Recorded(body=fields)
    body, headers = fields["body"], fields.get("headers") or {}
    if not isinstance(body, dict):
        raise HttpError(400, "invalid_request", "body: must be an object")
    if not isinstance(headers, dict) or len(headers) > HEADERS:
        raise HttpError(400, "invalid_request", f"headers: must be an object of at most {HEADERS} texts")
    texts = {name.lower().encode(): value.strip() for name, value in headers.items() if isinstance(value, str)}
    agent = fields.get("agent") or texts.get(b"x-claw-agent")
    if agent is not None and not isinstance(agent, str):
        raise HttpError(400, "invalid_request", "agent: must be a text")
    return Recorded(body=body, agent=agent, headers=texts)


def _bounded(file: BinaryIO, longest: int) -> Iterator[bytes]:
    while line := file.readline(longest + 1):
        part = line
        while part and not part.endswith(b"\n") and len(part) > longest:
            part = file.readline(longest + 1)
        yield line


def _is_object(text: bytes) -> bool:
    try:
        fields_of(text)
    except HttpError:
        return False
    return True
