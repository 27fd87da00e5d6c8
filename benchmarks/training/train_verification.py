"""Train the weights of the learned check of answers.

    python -m benchmarks.training.train_verification --data DIR

They learn from the rows of DIR that contain answers (mmlu-pro, gsm8k). Needs scikit-learn (the `train` group).
"""

import argparse
import json
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from backends.routing.classify import hashed_words
from backends.tree_ensemble import TreeEnsemble
from backends.verification import short_answers
from backends.verification.short_answers.multiple_choice import Question
from backends.verification.short_answers.option_prior import option_features
from backends.verification.short_answers.parsed_answer import ParsedAnswer, parse
from backends.verification.short_answers.score import features, prior_features
from benchmarks.training.routing_data import Row, labelled

HOME = Path(short_answers.__file__).parent
ABLE = "llama-3.1-70b-instruct"
"""Of the models that answered, the one whose share of right answers (MMLU-Pro .63) is nearest to Qwen 2.5 14b's (.64 by
its own report)."""

FOLDS = 5
SEED = 20261124

Arrays = dict[str, NDArray[Any]]
Floats = NDArray[np.float64]


class Example(Struct, frozen=True):
    """One model's answer. `strong` is the mean label of the models that were not asked for an answer."""

    parsed: ParsedAnswer
    wrong: float
    strong: float
    able: bool


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--data", type=Path, required=True)
    arguments.add_argument("--out", type=Path, default=HOME)
    given = arguments.parse_args()
    rows = [row for name in ("mmlu-pro", "gsm8k") for row in labelled(given.data, name) if row.answers]
    version = f"{datetime.now(UTC):%Y-%m-%d}.1"
    arrays = fitted(rows, able=ABLE) | {"version": np.array(version)}
    with (given.out / "weights.npz").open("wb") as file:
        np.savez_compressed(file, **arrays)  # type: ignore[arg-type]  # numpy types its one keyword only
    card = given.out / "card.json"
    told = json.loads(card.read_text()) if card.exists() else {}
    told |= {"version": version, "rows": len(rows), "answers": sum(len(row.answers) for row in rows)}
    card.write_text(json.dumps(told, indent=2, ensure_ascii=False) + "\n")


def fitted(rows: Sequence[Row], *, able: str) -> Arrays:
    """The arrays that Score takes, learned from every answer of `rows`; `able` names the model it will be used for."""
    examples = [example for row in rows for example in _examples(row, able)]
    fold = np.random.default_rng(SEED).integers(0, FOLDS, len(rows))
    key = {row.id: _key(row) for row in rows}
    owner = [row.id for row in rows for _ in row.answers]
    place = {row.id: index for index, row in enumerate(rows)}
    of_fold = fold[[place[each] for each in owner]]
    sheets = _sheets(rows, key)
    whole = forest(_boosted_options(sheets, range(len(rows))), "options")
    stands = np.zeros((len(examples), 4))
    for each in range(FOLDS):
        seen = forest(_boosted_options(sheets, np.flatnonzero(fold != each)), "options")
        options = TreeEnsemble(seen, "options.")
        for index in np.flatnonzero(of_fold == each):
            stands[index] = prior_features(options, examples[index].parsed)
    hand = np.array([[*features(each.parsed).values()] for each in examples])
    matrix = np.column_stack([hand, stands, [float(each.able) for each in examples]])
    wrong = np.array([each.wrong for each in examples])
    strong = np.array([each.strong for each in examples])
    return whole | _heads(matrix, wrong, strong) | _by_words([each.parsed.question.stem for each in examples], strong)


def _examples(row: Row, able: str) -> list[Example]:
    others = [mark for model, mark in row.labels.items() if model not in row.answers]
    strong = sum(others) / len(others) if others else 0.0
    return [
        Example(parse(row.prompt, answer), 1 - row.labels[model], strong, model == able)
        for model, answer in row.answers.items()
    ]


def _key(row: Row) -> int | None:
    """The right option, where an answer that was right took one."""
    for model, answer in row.answers.items():
        taken = parse(row.prompt, answer).chosen.index
        if row.labels[model] == 1 and taken is not None:
            return taken
    return None


def _sheets(rows: Sequence[Row], key: dict[str, int | None]) -> list[tuple[Floats, Floats] | None]:
    sheets: list[tuple[Floats, Floats] | None] = []
    for row in rows:
        if (right := key[row.id]) is None:
            sheets.append(None)
            continue
        matrix = option_features(parse(row.prompt, "").question)
        sheets.append((matrix, np.arange(len(matrix)) == right))
    return sheets


def _boosted_options(sheets: Sequence[tuple[Floats, Floats] | None], which: Any) -> Any:
    from sklearn.ensemble import HistGradientBoostingClassifier

    known = [sheet for index in which if (sheet := sheets[index]) is not None]
    model = HistGradientBoostingClassifier(
        max_depth=4, max_iter=200, learning_rate=0.04, l2_regularization=10, min_samples_leaf=40, random_state=0
    )
    if not known:  # no question has options: a forest that tells nothing
        return model.fit(np.zeros((200, option_features(Question("", ("a", "b"))).shape[1])), np.arange(200) % 2)
    return model.fit(np.vstack([matrix for matrix, _ in known]), np.concatenate([right for _, right in known]))


def _heads(matrix: Floats, wrong: Floats, strong: Floats) -> Arrays:
    from sklearn.ensemble import ExtraTreesRegressor, HistGradientBoostingClassifier
    from sklearn.linear_model import LogisticRegression
    from sklearn.preprocessing import StandardScaler

    boosted = HistGradientBoostingClassifier(
        max_depth=4, max_iter=300, learning_rate=0.03, l2_regularization=5, min_samples_leaf=20, random_state=0
    ).fit(matrix, wrong > 0.5)
    grow = {"n_estimators": 100, "min_samples_leaf": 12, "max_features": 0.3, "random_state": 0}
    random = ExtraTreesRegressor(**grow).fit(matrix, wrong)
    better = ExtraTreesRegressor(**grow).fit(matrix, strong)
    scale = StandardScaler().fit(matrix)
    line = LogisticRegression(C=0.1, max_iter=500).fit(scale.transform(matrix), wrong > 0.5)
    slope = line.coef_[0] / scale.scale_
    return {
        **forest(boosted, "boosted"),
        **forest(random, "random"),
        **forest(better, "strong"),
        "slope": slope.astype(np.float32),
        "bias": np.array(line.intercept_[0] - float(slope @ scale.mean_)),
    }


def _by_words(stems: Sequence[str], strong: Floats) -> Arrays:
    """A ridge over the classifier's hashed words, kept in 8 bits."""
    from scipy.sparse import csr_matrix
    from sklearn.linear_model import Ridge

    hashed = [hashed_words.hashed(stem[:8_000]) for stem in stems]
    ends = np.cumsum([0, *(len(buckets) for buckets, _ in hashed)])
    matrix = csr_matrix(
        (np.concatenate([v for _, v in hashed]), np.concatenate([b for b, _ in hashed]), ends),
        shape=(len(stems), hashed_words.BUCKETS),
    )
    model = Ridge(alpha=2.0).fit(matrix, strong)
    scale = float(np.abs(model.coef_).max()) / 127 or 1.0
    return {
        "words": np.round(model.coef_ / scale).astype(np.int8),
        "words_scale": np.array(scale),
        "words_bias": np.array(float(model.intercept_)),
    }


def forest(model: Any, name: str) -> Arrays:
    """A fitted sklearn ensemble (boosted, or a forest of regression trees) as TreeEnsemble's arrays."""
    trees = list(map(_boosted_tree, model._predictors)) if hasattr(model, "_predictors") else _grown(model)
    sizes = np.array([len(tree["value"]) for tree in trees])
    starts = np.cumsum([0, *sizes[:-1]])
    joined = {key: np.concatenate([tree[key] for tree in trees]) for key in ("feature", "threshold", "value")}
    for side in ("left", "right"):
        joined[side] = np.concatenate([tree[side] + start for tree, start in zip(trees, starts, strict=True)])
    base = float(np.ravel(model._baseline_prediction)[0]) if hasattr(model, "_baseline_prediction") else 0.0
    kinds = {"feature": np.int16, "threshold": np.float64, "value": np.float32, "left": np.int32, "right": np.int32}
    return {f"{name}.{key}": array.astype(kinds[key]) for key, array in joined.items()} | {
        f"{name}.roots": starts.astype(np.int32),
        f"{name}.base": np.array(base),
        f"{name}.depth": np.array(max(int(tree["depth"]) for tree in trees)),
    }


def _boosted_tree(predictor: Any) -> dict[str, Any]:
    nodes = predictor[0].nodes
    own = np.arange(len(nodes))
    leaf = nodes["is_leaf"].astype(bool)
    return {
        "feature": np.where(leaf, 0, nodes["feature_idx"]),
        "threshold": np.where(leaf, 0.0, nodes["num_threshold"]),
        "value": np.where(leaf, nodes["value"], 0.0),
        "left": np.where(leaf, own, nodes["left"]),
        "right": np.where(leaf, own, nodes["right"]),
        "depth": nodes["depth"].max(),
    }


def _grown(model: Any) -> list[dict[str, Any]]:
    share = 1 / len(model.estimators_)
    return [_grown_tree(each.tree_, share) for each in model.estimators_]


def _grown_tree(tree: Any, share: float) -> dict[str, Any]:
    own = np.arange(tree.node_count)
    leaf = tree.children_left < 0
    return {
        "feature": np.where(leaf, 0, tree.feature),
        "threshold": np.where(leaf, 0.0, tree.threshold),
        "value": np.where(leaf, tree.value[:, 0, 0] * share, 0.0),
        "left": np.where(leaf, own, tree.children_left),
        "right": np.where(leaf, own, tree.children_right),
        "depth": tree.max_depth,
    }


if __name__ == "__main__":
    main()
