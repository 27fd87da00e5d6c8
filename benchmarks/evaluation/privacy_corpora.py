"""What the gate finds in rows that others wrote, and what it flags in 2 kB pieces of agents' texts and of prompts."""

import gzip
import json
from collections.abc import Iterator
from pathlib import Path

from msgspec import Struct

from backends.gateway.dialects.any_dialect import read_fields
from backends.privacy import PrivacyGate
from backends.routing.evaluate import Figure, datasets, read
from backends.routing.evaluate.figures import share
from backends.routing.evaluate.privacy_figures import privacy_figures
from backends.settings.privacy import Privacy
from backends.types import Message, Request

PIECE = 2_000
"""Characters of a piece."""


class Flagged(Struct, frozen=True):
    """A text that was judged: the kinds of findings in it, none where it passed."""

    text: str
    kinds: frozenset[str]


def corpora(data: Path, name: str | None, *, by_kind: bool) -> Iterator[Figure]:
    """Recall, precision and false alarms on each set of labelled rows in a folder."""
    for each in datasets(data, name):
        if each.kind == "privacy":
            yield from privacy_figures(each.name, each.rows, by_kind=by_kind)


def misjudged(data: Path, name: str | None) -> Iterator[tuple[str, str, Flagged]]:
    """Set, kind of row, and what was found, for each row that is judged otherwise than its label."""
    for each in datasets(data, name):
        for row in each.rows if each.kind == "privacy" else ():
            judged = judge(row.prompt)
            if bool(judged.kinds) is not row.sensitive:
                yield each.name, row.kind or "+".join(row.kinds), judged


def flagged(pieces: list[str]) -> list[Flagged]:
    """The pieces that do not pass. Some of them hold true secrets: nobody labelled them."""
    return [judged for judged in map(judge, pieces) if judged.kinds]


def flag_rate(name: str, pieces: list[str], held: list[Flagged]) -> Figure:
    """The share of pieces that are held back, rightly or not."""
    return share(name, "all pieces", "flagged", [True] * len(held) + [False] * (len(pieces) - len(held)))


def judge(text: str) -> Flagged:
    """The kinds of findings in one prompt, read by a gate that has seen no other."""
    gate = PrivacyGate(Privacy(), entries=0)
    request = Request(id="r", messages=(Message(role="user", text=text),))
    inspection = gate.inspection(request, gate.parts(request), agent_sensitive=False)
    doubt = frozenset((inspection.verdict.why,) if inspection.verdict.sensitive else ())
    return Flagged(text, inspection.kinds or doubt)


def pieces_of(folder: Path) -> dict[str, list[str]]:
    """Pieces by source. The folder has agent-sessions, agent-bodies and open-prompts, or some of them."""
    texts = {
        "agent-sessions": [message.text for each in sessions(folder) for message in each.messages],
        "agent-bodies": [message.text for each in bodies(folder) for message in each.messages],
        "open-prompts": [row.prompt for path in _files(folder, "open-prompts", "*.jsonl.gz") for row in read(path)],
    }
    return {name: [piece for text in each for piece in _cut(text)] for name, each in texts.items() if each}


def sessions(folder: Path) -> list[Request]:
    """Each recorded session as one request."""
    lines = [
        json.loads(line)
        for path in _files(folder, "agent-sessions", "*.jsonl.gz")
        for line in gzip.decompress(path.read_bytes()).splitlines()
    ]
    return [
        Request(id="r", messages=tuple(Message(role=each["role"], text=each["text"]) for each in line["messages"]))
        for line in lines
    ]


def bodies(folder: Path) -> list[Request]:
    """Each recorded body as the gateway reads it."""
    read_bodies = [
        read_fields(json.loads(path.read_bytes())["body"]) for path in _files(folder, "agent-bodies", "*.json")
    ]
    return [Request(id="r", messages=body.messages, tools=body.tools) for body in read_bodies]


def _files(folder: Path, part: str, kind: str) -> list[Path]:
    return sorted((folder / part).glob(kind))


def _cut(text: str) -> list[str]:
    return [text[start : start + PIECE] for start in range(0, len(text), PIECE)]
