"""Train the weights of expected quality, `backends/routing/quality/quality.npz`.

    python -m benchmarks.training.train_quality --data DIR

P(local) and P(cloud) learn from DIR's labelled rows and from the difficulty marks in our own prompts; the dial's
quantiles are taken over our own prompts. DIR's agent prompts are read only to measure. Needs numpy only; takes a
minute.
"""

import argparse
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from backends.routing import quality as shipped
from backends.routing.classify.language import language
from backends.routing.evaluate.router_metrics import auc
from backends.routing.quality.dial import Dial
from backends.routing.quality.difficulty_features import excerpt, shape
from backends.routing.quality.quality_model import QualityModel, points
from backends.routing.quality.text_embedding import TextEmbedding
from benchmarks.training.routing_data import intents, labelled
from benchmarks.training.routing_fit import by_length, fitted
from benchmarks.training.training_prompts import prompts

HOME = Path(shipped.__file__).parent

LOCAL = ("mixtral-8x7b-instruct", "llama-3.1-8b-instruct", "llama-3.1-70b-instruct")
CLOUD = ("gpt-4-1106-preview", "gemini-1.5-flash", "gemini-1.5-pro")
"""Nobody has published labels for Qwen 2.5 14b or Gemini 2.5 Flash. These stand in, by the mean of a row's: of MMLU-Pro
an 8b and a 70b for the 14b, and Gemini 1.5 Flash and Pro for 2.5 Flash.
"""

SETS = ("mmlu", "gsm8k", "mmlu-pro", "mt-bench")
OURS = {False: (0.92, 0.97), True: (0.25, 0.88)}
"""P(local), P(cloud) that an easy and a hard prompt of ours stand for: a judgement, not a measurement."""

MASS = {False: 2.0, True: 6.0}

KEPT = 900
"""Reference questions shipped: 2,000 score no better and cost twice the time."""


class Lesson(NamedTuple):
    texts: list[str]
    outcomes: NDArray[np.float64]
    mass: NDArray[np.float64]


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--data", type=Path, required=True)
    arguments.add_argument("--out", type=Path, default=HOME)
    given = arguments.parse_args()
    ours, embedding = own(), TextEmbedding.load()
    taught = lesson(given.data, ours)
    shapes = scales(taught.texts[: len(taught.texts) - len(ours.texts)])
    arrays = fitted(taught.texts, taught.outcomes, shapes, embedding, models=LOCAL + CLOUD, mass=taught.mass, most=KEPT)
    mine = points(ours.texts, embedding, shapes["centre"], shapes["spread"])
    arrays["by_length"] = by_length(mine, ours.outcomes, ours.mass)  # what agents send, not examinations
    version = f"{datetime.now(UTC):%Y-%m-%d}.1"
    arrays |= {"version": np.array(version)}
    estimates = [QualityModel(arrays, embedding).estimate(text, language(text)) for text in ours.texts]
    arrays["quantiles"] = np.array(Dial.over(each.p_cloud - each.p_local for each in estimates).quantiles, np.float32)
    arrays["ease"] = np.quantile([each.p_local for each in estimates], np.linspace(0, 1, 201)).astype(np.float32)
    save(given.out / "quality.npz", arrays)
    figures = measured(given.data, QualityModel(arrays, embedding))
    card = json.loads((given.out / "card.json").read_text()) if (given.out / "card.json").exists() else {}
    card |= {
        "version": version,
        "rows": len(taught.texts) - len(ours.texts),
        "own": len(ours.texts),
        "figures": figures,
    }
    (given.out / "card.json").write_text(json.dumps(card, indent=2, ensure_ascii=False) + "\n")
    print(json.dumps(figures, indent=2))


def save(path: Path, arrays: dict[str, NDArray[Any]]) -> None:
    np.savez(path, allow_pickle=False, **arrays)  # as it is: a wheel is compressed anyway, and this loads sooner


def own() -> Lesson:
    """Our prompts, a filling a frame. They weigh more than labels of one run, which are chance in part, and the hard
    ones, which are few, most.
    """
    seen = {prompt.frame: prompt for prompt in prompts(variants=1)}
    outcomes = np.array([OURS[prompt.hard] for prompt in seen.values()])
    mass = np.array([MASS[prompt.hard] for prompt in seen.values()])
    return Lesson([prompt.text for prompt in seen.values()], outcomes, mass)


def lesson(data: Path, ours: Lesson) -> Lesson:
    """The labelled rows, then our prompts."""
    rows = [row for name in SETS for row in labelled(data, name)]
    outcomes = [
        [np.mean([row.labels[model] for model in models if model in row.labels]) for models in (LOCAL, CLOUD)]
        for row in rows
    ]
    return Lesson(
        [row.prompt for row in rows] + ours.texts,
        np.vstack([outcomes, ours.outcomes]),
        np.concatenate([np.ones(len(rows)), ours.mass]),
    )


def scales(texts: list[str]) -> dict[str, NDArray[np.float32]]:
    """Mean and standard deviation of each feature over the labelled rows' prompts."""
    found = np.array([shape(excerpt(text), len(text)).numbers for text in texts])
    return {"centre": found.mean(axis=0), "spread": found.std(axis=0) + np.float32(1e-6)}


def measured(data: Path, quality: QualityModel) -> dict[str, Any]:
    """Hard prompts told from easy ones by 1 - P(local), on agents' prompts that nothing was trained on."""
    out: dict[str, Any] = {}
    for name in ("agents-intents", "agents-intents-2"):
        rows = intents(data, name)
        estimates = [quality.estimate(row.prompt, language(row.prompt)) for row in rows]
        out[name] = {
            "hard_auc": round(auc([row.hard for row in rows], [-each.p_local for each in estimates]), 3),
            "familiar": round(float(np.mean([each.familiar for each in estimates])), 3),
        }
    return out


if __name__ == "__main__":
    main()
