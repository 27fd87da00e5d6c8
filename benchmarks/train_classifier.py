"""Train the classifier's weights: `python -m benchmarks.train_classifier --data DIR`.

Intents learn from our own prompts alone; P(local) and P(cloud) from the labelled rows of DIR (mmlu, gsm8k, mmlu-pro)
and from our prompts' marks of hardness. DIR's agents' prompts are read only to measure. Needs scikit-learn (the `train`
group).
"""

import argparse
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from backends.router.classify import features
from benchmarks.routing_data import Row, intents, labelled
from benchmarks.training_prompts import prompts

HOME = Path(__file__).parent.parent / "backends" / "router" / "classify"
STAND_INS = {"local": "llama-3.1-70b-instruct", "cloud": "gemini-1.5-pro"}
OLDER_STAND_INS = {"local": "mixtral-8x7b-instruct", "cloud": "gpt-4-1106-preview"}
"""Nobody has published labels for Qwen 2.5 14b or Gemini 2.5 Flash; these are the nearest that have them."""

OURS = {False: (0.92, 0.97), True: (0.25, 0.88)}
"""P(local), P(cloud) that an easy and a hard prompt of ours stand for: a judgement, not a measurement."""

HAND_SCALE = 0.3

Array = NDArray[np.float32]


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--data", type=Path, required=True)
    arguments.add_argument("--out", type=Path, default=HOME)
    given = arguments.parse_args()
    ours = prompts(materials(given.data))
    names = sorted({prompt.intent for prompt in ours})
    matrix = design([prompt.text for prompt in ours])
    weights, bias = intent_weights(matrix, [prompt.intent for prompt in ours])
    heads = [head_weights(*head_rows(ours, given.data, which)) for which in ("local", "cloud")]
    weights = np.vstack([weights, *(head[0] for head in heads)])
    bias = np.concatenate([bias, [head[1] for head in heads]]).astype(np.float32)
    version = f"{datetime.now(UTC):%Y-%m-%d}.1"
    save(given.out, weights, bias, names, version)
    figures = measured(given.data)
    card = json.loads((given.out / "card.json").read_text()) if (given.out / "card.json").exists() else {}
    card |= {
        "version": version,
        "prompts": len(ours),
        "frames": len({prompt.frame for prompt in ours}),
        "figures": figures,
    }
    (given.out / "card.json").write_text(json.dumps(card, indent=2, ensure_ascii=False) + "\n")
    print(json.dumps(figures, indent=2))


def materials(data: Path) -> list[str]:
    """Questions of the labelled rows, for our prompts to work on: their options cut off, every seventh."""
    rows = [*labelled(data, "gsm8k"), *labelled(data, "mmlu"), *labelled(data, "mmlu-pro")]
    return sorted({row.prompt.split("\nA.")[0].replace("\n", " ") for row in rows[::7]})


def design(texts: list[str]) -> Any:
    """A sparse matrix, a row for each text: hashed features, then those by hand."""
    from scipy.sparse import csr_matrix, hstack

    columns, values, ends, hands = [], [], [0], []
    for text in texts:
        part = features.excerpt(text)
        buckets, value = features.hashed(part)
        columns.append(buckets)
        values.append(value)
        ends.append(ends[-1] + len(buckets))
        hands.append(features.by_hand(part, len(text)))
    hashed = csr_matrix((np.concatenate(values), np.concatenate(columns), ends), shape=(len(texts), features.BUCKETS))
    return hstack([hashed, csr_matrix(np.array(hands))]).tocsr()


def intent_weights(matrix: Any, labels: list[str]) -> tuple[Array, Array]:
    """Shape carries over from prompt to prompt less than words do, so features by hand are held back."""
    from sklearn.linear_model import LogisticRegression

    held_back = np.concatenate([np.ones(features.BUCKETS), np.full(features.HANDS, HAND_SCALE)]).astype(np.float32)
    model = LogisticRegression(C=40, max_iter=250, class_weight="balanced")
    model.fit(matrix.multiply(held_back).tocsr(), labels)
    return (model.coef_ * held_back).astype(np.float32), model.intercept_.astype(np.float32)


def head_rows(ours: list[Any], data: Path, which: str) -> tuple[list[str], list[float], list[float]]:
    """Texts, targets and weights for one head; both sources weigh the same in all."""
    rows: list[Row] = []
    for name in ("mmlu", "gsm8k", "mmlu-pro"):
        rows += labelled(data, name)
    stand_in, older = STAND_INS[which], OLDER_STAND_INS[which]
    targets = [row.labels[stand_in] if stand_in in row.labels else row.labels[older] for row in rows]
    texts = [row.prompt for row in rows] + [prompt.text for prompt in ours]
    targets += [OURS[prompt.hard][which == "cloud"] for prompt in ours]
    share = len(rows) / len(ours)
    return texts, targets, [1.0] * len(rows) + [share * (3.0 if prompt.hard else 1.0) for prompt in ours]


def head_weights(texts: list[str], targets: list[float], weight: list[float]) -> tuple[Array, float]:
    """Logistic regression on soft targets: each row counts for both outcomes, by its share."""
    from scipy.sparse import vstack
    from sklearn.linear_model import LogisticRegression

    matrix = design(texts)
    soft, mass = np.array(targets), np.array(weight)
    model = LogisticRegression(C=1, max_iter=400)
    model.fit(
        vstack([matrix, matrix]),
        np.repeat([1, 0], len(soft)),
        sample_weight=np.concatenate([soft * mass, (1 - soft) * mass]),
    )
    return model.coef_[0].astype(np.float32), float(model.intercept_[0])


def save(folder: Path, weights: Array, bias: Array, names: list[str], version: str) -> None:
    """Eight bits a weight, a scale an output; the features by hand stay as they are."""
    hashed, hands = weights[:, : features.BUCKETS].T, weights[:, features.BUCKETS :].T
    scale = np.maximum(np.abs(hashed).max(axis=0), 1e-9).astype(np.float32) / 127
    np.savez_compressed(
        folder / "weights.npz",
        matrix=np.round(hashed / scale).astype(np.int8),
        scale=scale,
        hands=np.ascontiguousarray(hands, dtype=np.float32),
        bias=bias,
        intents=np.array(names),
        version=np.array(version),
        heat=np.array(1.0),
    )


def measured(data: Path) -> dict[str, Any]:
    """What the saved weights reach on agents' prompts that nothing was trained on."""
    from backends.router.classify import Classifier
    from benchmarks.routing_scores import auc, macro_f1

    classifier = Classifier.load()
    out: dict[str, Any] = {}
    for name in ("agents-intents", "agents-intents-2"):
        rows = intents(data, name)
        guesses = [classifier.classify(row.request()) for row in rows]
        out[name] = {
            "macro_f1": round(macro_f1([row.intent for row in rows], [guess.intent for guess in guesses]), 3),
            "hard_auc": round(auc([row.hard for row in rows], [-guess.p_local for guess in guesses]), 3),
        }
    return out


if __name__ == "__main__":
    main()
