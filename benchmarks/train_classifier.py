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
from benchmarks import intent_weights
from benchmarks.routing_data import Row, intents, labelled
from benchmarks.training_prompts import prompts

HOME = Path(__file__).parent.parent / "backends" / "router" / "classify"
STAND_INS = {"local": "llama-3.1-70b-instruct", "cloud": "gemini-1.5-pro"}
OLDER_STAND_INS = {"local": "mixtral-8x7b-instruct", "cloud": "gpt-4-1106-preview"}
"""Nobody has published labels for Qwen 2.5 14b or Gemini 2.5 Flash; these are the nearest that have them."""

OURS = {False: (0.92, 0.97), True: (0.25, 0.88)}
"""P(local), P(cloud) that an easy and a hard prompt of ours stand for: a judgement, not a measurement."""

VARIANTS = 6

Array = NDArray[np.float32]


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--data", type=Path, required=True)
    arguments.add_argument("--out", type=Path, default=HOME)
    given = arguments.parse_args()
    ours = prompts(materials(given.data), variants=VARIANTS)
    weights = intent_weights.fitted(ours)
    heads = [head_weights(*head_rows(ours, given.data, which)) for which in ("local", "cloud")]
    version = f"{datetime.now(UTC):%Y-%m-%d}.2"
    np.savez_compressed(given.out / "weights.npz", **with_heads(weights, heads), version=np.array(version))
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


def with_heads(weights: dict[str, Any], heads: list[tuple[Array, float]]) -> dict[str, Any]:
    """The intents' arrays, and the two probabilities as further outputs."""
    hashed, scale = intent_weights.eight_bits(np.stack([head[0][: features.BUCKETS] for head in heads], axis=1))
    return weights | {
        "matrix": np.hstack([weights["matrix"], hashed]),
        "scale": np.concatenate([weights["scale"], scale]),
        "hands": np.hstack([weights["hands"], np.stack([head[0][features.BUCKETS :] for head in heads], axis=1)]),
        "bias": np.concatenate([weights["bias"], [head[1] for head in heads]]).astype(np.float32),
    }


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
