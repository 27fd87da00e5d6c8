"""`python -m benchmarks.evaluation.routing score`: for each prompt of a file, how much it needs the strong model.

With --train, the method is fitted on that file's labels alone; the word vectors, the features' scales and the prior
difficulty are the shipped ones, which contain no label. Without --train, the shipped weights score; they learned from
the development halves. The test file's labels are never read: its rows are decoded into a type without labels.
"""

import argparse
import gzip
import json
import sys
import zlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeVar

import msgspec
import numpy as np
from msgspec import Struct, field
from numpy.typing import NDArray

from backends.routing.quality.posterior import Posterior
from backends.routing.quality.quality_model import QualityModel
from benchmarks.training.routing_data import Row
from benchmarks.training.routing_fit import solved

T = TypeVar("T")
Floats = NDArray[np.float64]


class Asked(Struct, frozen=True):
    """What may be known of a test row."""

    id: str
    prompt: str
    answers: dict[str, str] | None = None


class Labelled(Asked, frozen=True):
    labels: dict[str, float] = field(default_factory=dict)


class Unusable(Exception):
    """A file or a model's name that nothing can be scored with; the message is for its user."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--train", type=Path, metavar="FILE", help="labelled rows to fit on; without, shipped weights")
    parser.add_argument("--test", type=Path, required=True, metavar="FILE", help="rows to score")
    parser.add_argument("--weak", required=True, metavar="MODEL")
    parser.add_argument("--strong", required=True, metavar="MODEL")
    parser.add_argument("--answers", action="store_true", help="also read the weak model's answers of the test rows")
    parser.add_argument("--out", type=Path, required=True, metavar="FILE")


def run(given: argparse.Namespace) -> int:
    """The exit code: 0, or 2 with one line on standard error."""
    try:
        tested = rows_of(given.test, Asked)
        taught = None if given.train is None else training(given.train, given.weak, given.strong)
        scores = scored(tested, taught, given.weak, given.strong, answers=given.answers)
        write(given.out, tested, scores)
    except Unusable as error:
        print(f"routing score: {error}", file=sys.stderr)
        return 2
    return 0


def scored(
    tested: Sequence[Asked], taught: Sequence[Labelled] | None, weak: str, strong: str, *, answers: bool = False
) -> Floats:
    """A score for each test row, higher where the strong model is needed more; deterministic."""
    if answers and (by_answer := _by_answer(taught, weak, strong)) is not None:
        seen = np.array([weak in (row.answers or {}) for row in tested], bool)
        if seen.all() and len(tested):
            return by_answer([_row(row) for row in tested])
    texts = [row.prompt for row in tested]
    if not texts:
        return np.zeros(0)
    quality = QualityModel.load()
    if taught is None:
        unknown = [name for name in (weak, strong) if name not in quality.models]
        if unknown:
            raise Unusable(
                f"the shipped weights do not know {unknown[0]}, only {', '.join(quality.models)}: give --train"
            )
        return quality.gains(texts)
    return by_prompt(texts, taught, weak, strong, quality)


def by_prompt(
    texts: Sequence[str], taught: Sequence[Labelled], weak: str, strong: str, quality: QualityModel
) -> Floats:
    """The expected gain of each text by a quality model that learned from `taught` alone."""
    outcomes = np.array([[row.labels[weak], row.labels[strong]] for row in taught])
    known = quality.points([row.prompt for row in taught])
    raw, _ = Posterior(solved(known, outcomes, np.ones(len(taught)), len(taught))).expected(quality.points(texts))
    return np.asarray(raw[:, 1] - raw[:, 0], np.float64)


def training(path: Path, weak: str, strong: str) -> list[Labelled]:
    """The rows that have both models' labels; Unusable where none has."""
    rows = rows_of(path, Labelled)
    usable = [row for row in rows if {weak, strong} <= row.labels.keys()]
    if not usable:
        models = sorted({name for row in rows for name in row.labels})
        raise Unusable(
            f"no row of {path} has labels of both {weak} and {strong}, only of {', '.join(models) or 'none'}"
        )
    return usable


def rows_of(path: Path, kind: type[T]) -> list[T]:
    """Rows of a gzipped file of JSON lines; Unusable names the file and the line that are wrong."""
    decoder = msgspec.json.Decoder(kind)
    try:
        with gzip.open(path) as file:
            lines = [line for line in file if line.strip()]
    except (gzip.BadGzipFile, EOFError, zlib.error):
        raise Unusable(f"{path} is not a whole gzip file") from None
    except OSError as error:
        raise Unusable(f"cannot read {path}: {error.strerror}") from None
    rows = []
    for place, line in enumerate(lines, 1):
        try:
            rows.append(decoder.decode(line))
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise Unusable(f"row {place} of {path}: {error}") from None
    return rows


def write(path: Path, rows: Sequence[Asked], scores: Floats) -> None:
    lines = [json.dumps({"id": row.id, "score": float(score)}) for row, score in zip(rows, scores, strict=True)]
    try:
        path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    except OSError as error:
        raise Unusable(f"cannot write {path}: {error.strerror}") from None


def _by_answer(taught: Sequence[Labelled] | None, weak: str, strong: str) -> Callable[[Sequence[Row]], Floats] | None:
    """The cascade's scorer, None where the training rows carry no answer to learn from."""
    from benchmarks.evaluation import routing_cascade

    if taught is None:
        return routing_cascade.shipped(weak)
    answered = [_row(row, row.labels) for row in taught if weak in (row.answers or {})]
    return routing_cascade.fit(answered, weak, strong) if answered else None


def _row(row: Asked, labels: dict[str, float] | None = None) -> Row:
    return Row(row.id, "", "", row.prompt, labels or {}, row.answers or {})
