"""The exported weights give what scikit-learn itself predicts."""

import numpy as np
import pytest

from backends.tree_ensemble import TreeEnsemble, sigmoid
from benchmarks.evaluation.routing_cascade import fit, share_kept
from benchmarks.training.routing_data import Row
from benchmarks.training.train_verification import forest

ensemble = pytest.importorskip("sklearn.ensemble")

WEAK, STRONG = "weak", "strong"


def rows(count: int) -> list[Row]:
    """Sums with four options; the weak model's are right where it arrives."""
    made = []
    for number in range(count):
        right = number % 3 > 0
        said = 2 * number if right else 2 * number + 7
        made.append(
            Row(
                id=f"r{number}",
                dataset="made",
                subject="sums",
                prompt=f"What is {number} + {number}?\nA. {2 * number}\nB. {2 * number + 7}\nC. 1\nD. {number}",
                labels={WEAK: float(right), STRONG: 1.0},
                answers={WEAK: f"It is {number} + {number} = {said}. The answer is ({'A' if right else 'B'})."},
            )
        )
    return made


def test_boosted_and_random_trees_predict_as_scikit_learn_does() -> None:
    dice = np.random.default_rng(1)
    matrix = dice.random((400, 6))
    labels = (matrix[:, 0] + matrix[:, 1] * matrix[:, 2] > 0.8).astype(float)
    boosted = ensemble.HistGradientBoostingClassifier(max_iter=20, max_depth=4).fit(matrix, labels)
    served = sigmoid(TreeEnsemble(forest(boosted, "f"), "f.").sums(matrix))
    assert np.abs(served - boosted.predict_proba(matrix)[:, 1]).max() < 1e-5
    grown = ensemble.ExtraTreesRegressor(20, min_samples_leaf=5, random_state=0).fit(matrix, labels)
    assert np.abs(TreeEnsemble(forest(grown, "f"), "f.").sums(matrix) - grown.predict(matrix)).max() < 1e-5


def test_a_fit_tells_wrong_answers_from_right_ones_without_reading_their_labels() -> None:
    made = rows(120)
    scorer = fit(made[:80], WEAK, STRONG)
    unseen = made[80:]
    scores = scorer(unseen)
    wrong = np.array([row.labels[WEAK] == 0 for row in unseen])
    assert scores[wrong].min() > scores[~wrong].max()
    blind = [Row(row.id, row.dataset, row.subject, row.prompt, {}, row.answers) for row in unseen]
    assert scorer(blind).tolist() == scores.tolist()


def test_rows_without_answers_cannot_be_learned_from() -> None:
    bare = [Row(row.id, row.dataset, row.subject, row.prompt, row.labels) for row in rows(5)]
    with pytest.raises(ValueError, match="no row has an answer"):
        fit(bare, WEAK, STRONG)


def test_the_share_that_keeps_98_percent() -> None:
    weak, strong = np.array([1.0, 0, 0, 1]), np.ones(4)
    dice = np.random.default_rng(0)
    assert share_kept(np.array([0.0, 2, 1, 0]), weak, strong, dice) == 0.5
    assert share_kept(np.array([9.0, 2, 1, 0]), weak, strong, dice) == 0.75
