"""Labelled pairs of questions that the hit classifier learns from, and their features under an embedder.

`prompts/question-pairs-*.txt` are our own: in a block of lines, those that begin with "=" ask the same, and each that
begins with "x" asks something else. The other pairs come from the development half of the evaluation data: pairs as
they are, and the neighbours in each stream, which are the same if their group is.
"""

import hashlib
import itertools
import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from backends.cache.equivalence.embedded_question import LONGEST, EmbeddedQuestion
from backends.cache.equivalence.pair_features import pair_features
from backends.cache.semantic.embedders import Embedder, TokenEmbedder
from backends.cache.semantic.vector_index import Vector

PROMPTS = Path(__file__).parent / "prompts"
BATCH = 32
NEIGHBOURS = 40
STREAMS = ("gptcache", "clinc150", "banking77")


class Pair(NamedTuple):
    """`clusters` tie pairs that share a text or an intent, so that no fold sees half of one; a's and b's."""

    a: str
    b: str
    same: bool
    source: str
    clusters: tuple[str, str]


class Model:
    """An embedder's vectors and embedded questions of all texts, computed once."""

    def __init__(self, embedder: Embedder, texts: Iterable[str]) -> None:
        assert isinstance(embedder, TokenEmbedder)
        self.vectors: dict[str, Vector] = {}
        self.questions: dict[str, EmbeddedQuestion] = {}
        for batch in _batches(sorted(set(texts), key=len)):
            for text, embedded, tokens in zip(batch, embedder.embed(batch), embedder.token_vectors(batch), strict=True):
                self.vectors[text] = embedded.vector
                self.questions[text] = EmbeddedQuestion(text, tokens)

    def cosine(self, a: str, b: str) -> float:
        return float(self.vectors[a] @ self.vectors[b])

    def features(self, a: str, b: str) -> dict[str, float]:
        return pair_features(self.questions[a], self.questions[b], self.cosine(a, b))


def _batches(texts: list[str]) -> Iterator[tuple[str, ...]]:
    for start in range(0, len(texts), BATCH):
        yield tuple(texts[start : start + BATCH])


def rows(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def texts(data: Path) -> set[str]:
    found = {row["text"] for name in (*STREAMS, "own") for row in rows(data / f"{name}-stream.jsonl")}
    for path in data.glob("*-pairs.jsonl"):
        found |= {row[side] for row in rows(path) for side in "ab"}
    return found | {text for pair in written() for text in (pair.a, pair.b)}


def written() -> list[Pair]:
    found = []
    blocks = "\n\n".join(path.read_text(encoding="utf-8") for path in sorted(PROMPTS.glob("question-pairs-*.txt")))
    for number, block in enumerate(blocks.split("\n\n")):
        lines, clusters = block.splitlines(), (f"written{number}",) * 2
        same = [line[2:] for line in lines if line.startswith("= ")]
        other = [line[2:] for line in lines if line.startswith("x ")]
        found += [Pair(a, b, True, "written", clusters) for a, b in itertools.combinations(same, 2)]
        found += [Pair(a, b, False, "written", clusters) for a in same for b in other]
    return found


def labelled(data: Path, name: str) -> list[Pair]:
    """The pairs of one file; those that share a text are one cluster."""
    found = rows(data / f"{name}-pairs.jsonl")
    tied: dict[str, str] = {}

    def root(text: str) -> str:
        while tied.setdefault(text, text) != text:
            text = tied[text]
        return text

    for row in found:
        tied[root(row["a"])] = root(row["b"])
    return [Pair(row["a"], row["b"], row["same_answer"], name, (name + root(row["a"]),) * 2) for row in found]


def neighbours(data: Path, name: str, model: Model, floor: float) -> list[Pair]:
    """The pairs of a stream's rows whose cosine is `floor` or more, each row's nearest only, nearest first; b asks.

    Where the stream's texts are those of labelled pairs, the clusters are the pairs'.
    """
    of_pairs = labelled(data, name) if name in ("own", "gptcache") else []
    tied = {text: pair.clusters[0] for pair in of_pairs for text in (pair.a, pair.b)}
    found = rows(data / f"{name}-stream.jsonl")
    matrix = np.stack([model.vectors[row["text"]] for row in found])
    pairs = []
    for index, row in enumerate(found):
        near = matrix[:index] @ matrix[index]
        for other in sorted(np.flatnonzero(near >= floor), key=lambda at: -near[at])[:NEIGHBOURS]:
            groups = (found[other]["group"], row["group"])
            sides = (found[other]["text"], row["text"])
            ours, theirs = (tied.get(text, name + group) for text, group in zip(sides, groups, strict=True))
            pairs.append(Pair(*sides, groups[0] == groups[1], f"{name}-stream", (ours, theirs)))
    return pairs


def usable(pair: Pair, model: Model) -> bool:
    return pair.a != pair.b and max(len(model.questions[text].content) for text in (pair.a, pair.b)) <= LONGEST


def fold(cluster: str, folds: int, salt: str = "") -> int:
    return int(hashlib.md5((salt + cluster).encode(), usedforsecurity=False).hexdigest(), 16) % folds
