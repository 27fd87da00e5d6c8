"""`python -m benchmarks.evaluation.routing score`: a line a row, blind to the test labels, or one clear error."""

import gzip
import json
import subprocess
import sys
from argparse import Namespace
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from backends.routing.quality.posterior import Posterior
from backends.routing.quality.quality_model import points
from backends.routing.quality.text_embedding import TextEmbedding
from benchmarks.evaluation.routing_score import Labelled, run, scored
from benchmarks.training.routing_fit import fitted
from benchmarks.training.train_quality import scales

WEAK, STRONG = "weak-1", "strong-1"
Rows = list[dict[str, Any]]


def questions(count: int = 40) -> Rows:
    """Long sums that the weak model gets wrong, and short greetings that it gets right."""
    return [
        {
            "id": f"q{place}",
            "prompt": f"Sum {place} and {place} and seven apples, then halve what is left of them"
            if place % 2
            else "Hi",
            "labels": {WEAK: float(place % 2 == 0), STRONG: 1.0},
            "answers": {WEAK: f"It is {place}."},
        }
        for place in range(count)
    ]


def written(path: Path, rows: Rows) -> Path:
    path.write_bytes(gzip.compress("\n".join(map(json.dumps, rows)).encode()))
    return path


def given_for(folder: Path, **more: Any) -> Namespace:
    plain = {"train": None, "test": folder / "t.gz", "weak": WEAK, "strong": STRONG, "answers": False}
    return Namespace(**(plain | {"out": folder / "out.jsonl"} | more))


def lines(path: Path) -> Rows:
    return [json.loads(line) for line in path.read_text().splitlines()]


@pytest.fixture
def files(tmp_path: Path) -> Path:
    written(tmp_path / "t.gz", questions())
    written(tmp_path / "l.gz", questions())
    return tmp_path


def test_a_line_a_row_and_what_the_weak_fails_on_scores_higher(files: Path) -> None:
    assert run(given_for(files, train=files / "l.gz")) == 0
    found = lines(files / "out.jsonl")
    assert [line["id"] for line in found] == [row["id"] for row in questions()]
    assert min(line["score"] for line in found[1::2]) > max(line["score"] for line in found[::2])


@pytest.mark.parametrize(
    "change", [lambda row: row.pop("labels"), lambda row: row["labels"].update({WEAK: 0.5, STRONG: 0})]
)
def test_the_test_rows_labels_change_nothing(files: Path, change: Callable[[dict[str, Any]], object]) -> None:
    run(given_for(files, train=files / "l.gz"))
    before = (files / "out.jsonl").read_bytes()
    rows = questions()
    for row in rows:
        change(row)
    written(files / "t.gz", rows)
    assert run(given_for(files, train=files / "l.gz")) == 0
    assert (files / "out.jsonl").read_bytes() == before


def test_the_shipped_weights_score_the_models_they_learned_from(files: Path) -> None:
    known = {"weak": "mixtral-8x7b-instruct", "strong": "gpt-4-1106-preview"}
    assert run(given_for(files, **known)) == 0
    assert len({line["score"] for line in lines(files / "out.jsonl")}) > 1


def test_with_answers_the_cascade_scores_and_without_any_the_prompt(files: Path) -> None:
    known = {"weak": "mixtral-8x7b-instruct", "strong": "gpt-4-1106-preview", "answers": True}
    asked = {"id": "q", "prompt": "A train covers 60 km in 2 h. What is its speed in km/h?"}
    sound, lost = "60 / 2 = 30. The answer is: 30", "60 / 2 = 45. The answer is: 45"
    written(files / "t.gz", [{**asked, "answers": {known["weak"]: answer}} for answer in (sound, lost)])
    assert run(given_for(files, **known)) == 0
    right, wrong = (line["score"] for line in lines(files / "out.jsonl"))
    assert right < wrong
    written(files / "t.gz", [asked, asked])
    assert run(given_for(files, **known)) == 0
    one, other = (line["score"] for line in lines(files / "out.jsonl"))
    assert one == other


def test_no_rows_give_an_empty_file(files: Path) -> None:
    written(files / "t.gz", [])
    assert run(given_for(files, train=files / "l.gz")) == 0
    assert (files / "out.jsonl").read_bytes() == b""


BROKEN: dict[str, tuple[Callable[[Path], object], str]] = {
    "missing": (lambda path: (path / "t.gz").unlink(), "No such file"),
    "not gzip": (lambda path: (path / "t.gz").write_text("{}"), "not a whole gzip file"),
    "cut short": (
        lambda path: (path / "t.gz").write_bytes((path / "t.gz").read_bytes()[:-20]),
        "not a whole gzip file",
    ),
    "no prompt": (lambda path: written(path / "t.gz", [{"id": "a"}]), "row 1 of"),
    "no JSON": (lambda path: (path / "t.gz").write_bytes(gzip.compress(b"{}x\n")), "row 1 of"),
    "other models": (lambda path: written(path / "l.gz", [questions(2)[0] | {"labels": {"m": 1.0}}]), "only of m"),
    "no folder": (lambda path: None, "cannot write"),
}


@pytest.mark.parametrize("kind", BROKEN)
def test_what_cannot_be_scored_is_one_line_and_code_2(
    files: Path, kind: str, capsys: pytest.CaptureFixture[str]
) -> None:
    spoil, said = BROKEN[kind]
    spoil(files)
    out = files / ("nowhere/out.jsonl" if kind == "no folder" else "out.jsonl")
    assert run(given_for(files, train=files / "l.gz", out=out)) == 2
    complaint = capsys.readouterr().err
    assert said in complaint
    assert complaint.count("\n") == 1


def test_an_unknown_model_is_named_where_nothing_trains(files: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(given_for(files)) == 2
    assert WEAK in capsys.readouterr().err


def test_the_command_line_has_it(files: Path) -> None:
    command = [sys.executable, "-m", "benchmarks.evaluation.routing", "score", "--test", str(files / "none.gz")]
    done = subprocess.run(
        [*command, "--weak", WEAK, "--strong", STRONG, "--out", str(files / "out")], capture_output=True, check=False
    )
    assert done.returncode == 2
    assert done.stderr.decode().startswith("routing score: cannot read")


def test_one_row_is_enough_to_learn_from() -> None:
    row = Labelled("a", "Why?", labels={WEAK: 0.0, STRONG: 1.0})
    assert np.isfinite(scored([row], [row], WEAK, STRONG)).all()


def test_of_many_rows_a_sample_carries_what_all_teach() -> None:
    texts = [row["prompt"] for row in questions(60)]
    outcomes = np.array([[row["labels"][WEAK], 1.0] for row in questions(60)])
    arrays = fitted(texts, outcomes, scales(texts), TextEmbedding.load(), most=12)
    assert arrays["vectors"].shape == (12, 64)
    assert arrays["crowds"].sum() == 60
    point = points(texts[1:2], TextEmbedding.load(), arrays["centre"], arrays["spread"])
    (local, cloud), _ = (row[0] for row in Posterior(arrays).expected(point))
    assert local < cloud
