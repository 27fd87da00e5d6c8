"""How much does each prompt need the strong model, once the weak model's answer is known?

    python -m benchmarks.evaluation.routing_cascade --data DIR [--repeats 3] [--json]

Measures this by repeated five-fold cross-validation on the rows of DIR that contain answers. Random scores and the
answer's length are shown beside it. `fit` and `shipped` are what `python -m benchmarks.evaluation.routing score
--answers` uses.
"""

import argparse
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from backends.routing.evaluate.router_metrics import Floats, apgr, middle
from backends.verification.short_answers.score import Score
from benchmarks.training.routing_data import Row, labelled
from benchmarks.training.train_verification import ABLE, fitted

Scorer = Callable[[Sequence[Row]], Floats]

PAIRS = (
    ("mmlu-pro", "llama-3.1-8b-instruct", "gemini-1.5-flash"),
    ("mmlu-pro", "llama-3.1-70b-instruct", "gemini-1.5-pro"),
    ("gsm8k", "mixtral-8x7b-instruct", "gpt-4-1106-preview"),
)
FOLDS, DRAWS = 5, 400
KEPT = 0.98
"""Share of the strong model's quality whose least share of strong calls is told."""


def fit(train_rows: Sequence[Row], weak: str, strong: str) -> Scorer:
    """Learn from rows with answers and labels. Scores rows by `weak`'s answer; their labels are never read.

    All answers of the training rows teach what a wrong one looks like, and all models without answers, `strong` among
    them, what a strong one can. Raises ValueError where no row has an answer.
    """
    usable = [row for row in train_rows if row.answers and {weak, strong} <= row.labels.keys()]
    if not usable:
        raise ValueError("no row has an answer and both labels: score these without answers")
    arrays = fitted(usable, able=weak) | {"version": np.array("fitted")}
    return _scorer(Score(arrays), weak, able=True)


def shipped(weak: str | None = None) -> Scorer:
    """The shipped weights. `weak` None: rows carry one answer each."""
    return _scorer(Score.load(), weak, able=weak in (None, ABLE))


def _scorer(score: Score, weak: str | None, *, able: bool) -> Scorer:
    def scores(rows: Sequence[Row]) -> Floats:
        chances = [score.chances(row.prompt, _answer(row, weak), able=able) for row in rows]
        return np.array([each.strong - each.right for each in chances])

    return scores


def _answer(row: Row, weak: str | None) -> str:
    """No answer is one that did not come to an end."""
    return row.answers.get(weak, "") if weak is not None else next(iter(row.answers.values()), "")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    figures: dict[str, dict[str, Any]] = {}
    for name, weak, strong in PAIRS:
        rows = labelled(given.data, name)
        length = np.array([len(row.answers[weak]) for row in rows], float)
        scores = [held_out(rows, weak, strong, seed) for seed in range(given.repeats)]
        for what, each in (("ours", scores), ("answer length", [length]), ("random", [np.zeros(len(rows))])):
            figures[f"{name} {weak} {what}"] = measured(rows, weak, strong, each)
    print(json.dumps(figures, indent=2) if given.json else "\n".join(f"{key}  {row}" for key, row in figures.items()))


def held_out(rows: Sequence[Row], weak: str, strong: str, seed: int) -> Floats:
    """Each row scored by a fit that never saw it."""
    fold = np.random.default_rng(seed).integers(0, FOLDS, len(rows))
    scores = np.zeros(len(rows))
    for each in range(FOLDS):
        unseen = fold == each
        scorer = fit([row for row, out in zip(rows, unseen, strict=True) if not out], weak, strong)
        scores[unseen] = scorer([row for row, out in zip(rows, unseen, strict=True) if out])
    return scores


def measured(rows: Sequence[Row], weak: str, strong: str, scores: Sequence[Floats]) -> dict[str, Any]:
    """Means over the repeats; 95 % intervals over resampled rows of the first."""
    few, many = (np.array([row.labels[model] for row in rows]) for model in (weak, strong))
    dice = np.random.default_rng(0)
    draws = [dice.integers(0, len(rows), len(rows)) for _ in range(DRAWS)]
    figures: dict[str, Any] = {"rows": len(rows)}
    for name, measure in (("apgr", apgr), ("share_at_98", share_kept)):
        whole = float(np.mean([measure(score, few, many, dice) for score in scores for _ in range(5)]))
        spread = [measure(scores[0][draw], few[draw], many[draw], dice) for draw in draws]
        low, high = middle(spread)
        figures[name] = f"{whole:.3f} ({low:.2f}–{high:.2f})"
    return figures


def share_kept(score: Floats, weak: Floats, strong: Floats, dice: np.random.Generator) -> float:
    """The least share of strong calls that keeps KEPT of the strong model's quality."""
    order = np.lexsort((dice.random(len(score)), -score))
    quality = weak.sum() + np.concatenate([[0.0], np.cumsum((strong - weak)[order])])
    return float(np.argmax(quality >= KEPT * strong.sum()) / len(score))


if __name__ == "__main__":
    main()
