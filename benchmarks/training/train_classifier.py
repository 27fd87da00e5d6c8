"""Train the weights of the intents.

    python -m benchmarks.training.train_classifier --data DIR

They learn from our own prompts only, whose material is partly questions of DIR (mmlu, gsm8k, mmlu-pro). DIR's agent
prompts are read only to measure. Needs scikit-learn (the `train` group).
"""

import argparse
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from backends.routing import classify
from benchmarks.training import intent_weights
from benchmarks.training.routing_data import intents, labelled
from benchmarks.training.training_prompts import prompts

HOME = Path(classify.__file__).parent
VARIANTS = 6
"""Fillings of a frame."""


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--data", type=Path, required=True)
    arguments.add_argument("--out", type=Path, default=HOME)
    given = arguments.parse_args()
    ours = prompts(materials(given.data), variants=VARIANTS)
    weights: dict[str, Any] = intent_weights.fitted(ours)
    version = f"{datetime.now(UTC):%Y-%m-%d}.3"
    np.savez_compressed(given.out / "weights.npz", **weights, version=np.array(version))
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


def measured(data: Path) -> dict[str, Any]:
    """What the saved weights reach on agents' prompts that nothing was trained on."""
    from backends.routing.classify.classifier import Classifier
    from backends.routing.evaluate.router_metrics import macro_f1

    classifier = Classifier.load()
    out: dict[str, Any] = {}
    for name in ("agents-intents", "agents-intents-2"):
        rows = intents(data, name)
        guesses = [classifier.classify(row.request()) for row in rows]
        right = [row.intent == guess.intent for row, guess in zip(rows, guesses, strict=True)]
        out[name] = {
            "rows": len(rows),
            "macro_f1": round(macro_f1([row.intent for row in rows], [guess.intent for guess in guesses]), 3),
            "accuracy": round(float(np.mean(right)), 3),
            "said": round(float(np.mean([guess.intent_p for guess in guesses])), 3),
        }
    return out


if __name__ == "__main__":
    main()
