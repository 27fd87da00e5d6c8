"""`claw privacy explain`: where the privacy gate sees something in a text or a recorded request, and never what."""

import argparse
import io
import sys
from collections.abc import Iterator
from itertools import chain

from msgspec import Struct
from msgspec.structs import replace

from backends.commands import recorded_requests
from backends.commands.json_output import encoded
from backends.envelope.reader import EnvelopeReader
from backends.errors import WrongUse
from backends.identity import new_id
from backends.paths import Paths
from backends.pipeline.normalise import normalise
from backends.privacy import PrivacyGate
from backends.privacy.detectors.kinds import KINDS
from backends.privacy.part_places import place_of
from backends.settings.loading import load
from backends.settings.model import Settings
from backends.text.terminal_safe import safe
from backends.types import Message, Request

SHOWN = 200
"""Findings that are printed of one request; --json has them all."""

LARGEST_B = 64 << 20
"""Bytes that are read of a file, and of each request in it. What is too large for the router is explained, too."""


class FindingPlace(Struct, frozen=True, kw_only=True):
    """A finding without its value. `line`, `start` and `end` are places in the message's own text, None where it has
    none of its own, as in a tool's schema.
    """

    part: str
    kind: str
    secret: bool
    message: int | None = None
    line: int | None = None
    start: int | None = None
    end: int | None = None


class PrivacyExplanation(Struct, frozen=True, kw_only=True):
    """`parts` is how many were judged; `why` is "unsure" where they could not be."""

    sensitive: bool
    why: str
    parts: int
    findings: tuple[FindingPlace, ...]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    verbs = parser.add_subparsers(dest="verb", required=True, metavar="explain")
    explain = verbs.add_parser("explain", help="show where the privacy gate sees something, without showing it")
    explain.add_argument(
        "file",
        metavar="FILE",
        help="a body of any API that agents speak, JSON lines of them, or plain text; - reads stdin",
    )
    explain.add_argument("--json", action="store_true", help="print one JSON object a line")


def run(args: argparse.Namespace) -> int:
    settings = load(Paths.find().config).settings
    gate = PrivacyGate(settings.privacy)
    with recorded_requests.opened(args.file) as file:
        data = file.read(LARGEST_B + 1)
    if len(data) > LARGEST_B:
        raise WrongUse(f"{args.file} has more than {LARGEST_B >> 20} MB: give it in pieces")
    whole = replace(settings, router=replace(settings.router, max_prompt_bytes=LARGEST_B))
    for index, request in enumerate(_requests(data, whole)):
        explained = explain(request, gate)
        if args.json:
            sys.stdout.write(encoded(explained) + "\n")
        else:
            print("\n" if index else "", end="")
            for line in _lines(explained):
                print(safe(line))
    return 0


def explain(request: Request, gate: PrivacyGate) -> PrivacyExplanation:
    """Where the gate sees something in this request, whoever sends it."""
    parts = gate.parts(request)
    inspection = gate.inspection(request, parts, agent_sensitive=False)
    return PrivacyExplanation(
        sensitive=inspection.verdict.sensitive,
        why=inspection.verdict.why,
        parts=len(parts or ()),
        findings=tuple(
            FindingPlace(
                part=place_of(request, each.part, found).label,
                kind=KINDS[found.kind].why,
                secret=not KINDS[found.kind].personal,
                message=each.part.message if each.part.message >= 0 else None,
                line=_line(request, each.part.message, found.start) if each.part.kind == "text" else None,
                start=found.start if each.part.kind == "text" else None,
                end=found.end if each.part.kind == "text" else None,
            )
            for each in inspection.private
            for found in each.found
        ),
    )


def _line(request: Request, message: int, start: int) -> int:
    return request.messages[message].text.count("\n", 0, start) + 1


def _requests(data: bytes, settings: Settings) -> Iterator[Request]:
    """The requests that the data holds. Where it does not begin with one it is plain text, whatever it is. Raises
    WrongUse for what is no request behind one.
    """
    reader = EnvelopeReader()
    found = recorded_requests.requests(io.BytesIO(data), LARGEST_B)
    try:
        first = next(found, None)
    except WrongUse:
        first = None
    if first is None:
        text = data.decode("utf-8", "replace")
        first, found = Request(id=new_id(), messages=(Message(role="user", text=text),)), iter(())
    for request in chain((first,), found):
        whole = replace(normalise(request, settings), sensitive=False) if request.messages[0].text.strip() else request
        yield replace(whole, envelope=reader.read(whole))


def _lines(explained: PrivacyExplanation) -> Iterator[str]:
    if not explained.sensitive:
        yield f"nothing private in {_parts(explained.parts)}"
        return
    if not explained.findings:
        yield f"sensitive: {explained.why}"
        return
    count = len(explained.findings)
    yield f"sensitive: {count} finding{'s' if count > 1 else ''} in {_parts(explained.parts)}"
    for place in explained.findings[:SHOWN]:
        where = "" if place.message is None else f", message {place.message + 1}"
        where += "" if place.line is None else f", line {place.line}, characters {place.start}–{place.end}"
        yield f"  {place.kind}: {place.part}{where}"
    if count > SHOWN:
        yield f"  and {count - SHOWN} more: --json has them all"


def _parts(count: int) -> str:
    return "1 part" if count == 1 else f"{count} parts"
