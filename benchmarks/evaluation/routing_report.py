"""The figures of `routing eval`: intents and privacy with the shipped weights, routing by cross-validation."""

from pathlib import Path
from typing import Any

import numpy as np

from backends.intervals import wilson
from backends.privacy import PrivacyGate
from backends.routing.classify.classifier import Classifier
from backends.routing.evaluate.privacy_figures import SECRETS
from backends.routing.evaluate.router_metrics import auc, macro_f1
from backends.settings.privacy import Privacy
from benchmarks.evaluation.routing_held_out import routing_figures
from benchmarks.training.routing_data import intents, private


def evaluate(data: Path) -> dict[str, dict[str, Any]]:
    """Every figure that the rows of `data` allow."""
    figures: dict[str, dict[str, Any]] = {}
    classifier = Classifier.load()
    for name in ("agents-intents", "agents-intents-2"):
        figures[name] = intent_figures(classifier, data, name)
    for name in ("privacy", "privacy-2"):
        figures[name] = privacy_figures(data, name)
    return figures | routing_figures(data)


def intent_figures(classifier: Classifier, data: Path, name: str) -> dict[str, Any]:
    rows = intents(data, name)
    guesses = [classifier.classify(row.request()) for row in rows]
    right = [row.intent == guess.intent for row, guess in zip(rows, guesses, strict=True)]
    return {
        "rows": len(rows),
        "macro_f1": round(macro_f1([row.intent for row in rows], [guess.intent for guess in guesses]), 3),
        "accuracy": interval(right),
        "said": round(float(np.mean([guess.intent_p for guess in guesses])), 3),
        "hard_auc": round(auc([row.hard for row in rows], [-guess.p_local for guess in guesses]), 3),
    }


def privacy_figures(data: Path, name: str) -> dict[str, Any]:
    gate = PrivacyGate(Privacy())
    hits: dict[str, list[bool]] = {"secrets": [], "personal": [], "false_alarms": []}
    for row in private(data, name):
        kind = "false_alarms" if not row.sensitive else "secrets" if SECRETS & set(row.kinds) else "personal"
        hits[kind].append(gate.inspect(row.request(), agent_sensitive=False).sensitive)
    return {kind: interval(found) for kind, found in hits.items()}


def interval(hits: list[bool]) -> str:
    """A share with its 95 % interval (Wilson)."""
    share, low, high = wilson(sum(hits), len(hits)) or (float("nan"), 0.0, 1.0)
    return f"{share:.3f} ({low:.3f}–{high:.3f})"
