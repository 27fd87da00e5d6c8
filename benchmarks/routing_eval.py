"""Quality: intents and privacy by the shipped parts, routing by cross-validation of the judge's own method."""

from pathlib import Path
from typing import Any

import numpy as np

from backends.router.classify import Classifier
from backends.router.privacy import PrivacyGate
from backends.settings import Privacy
from benchmarks.routing_data import intents, private
from benchmarks.routing_held_out import routing_figures
from benchmarks.routing_scores import Floats, auc, macro_f1

SECRETS = frozenset(
    ["api-key", "aws-key", "tailscale", "private-key", "jwt", "connection-string", "env", "password", "kubeconfig"]
)


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
    right = np.array([row.intent == guess.intent for row, guess in zip(rows, guesses, strict=True)])
    return {
        "rows": len(rows),
        "macro_f1": round(macro_f1([row.intent for row in rows], [guess.intent for guess in guesses]), 3),
        "accuracy": interval(right.astype(float)),
        "said": round(float(np.mean([guess.intent_p for guess in guesses])), 3),
        "hard_auc": round(auc([row.hard for row in rows], [-guess.p_local for guess in guesses]), 3),
    }


def privacy_figures(data: Path, name: str) -> dict[str, Any]:
    gate = PrivacyGate(Privacy())
    hits: dict[str, list[float]] = {"secrets": [], "personal": [], "false_alarms": []}
    for row in private(data, name):
        kind = "false_alarms" if not row.sensitive else "secrets" if SECRETS & set(row.kinds) else "personal"
        hits[kind].append(float(gate.inspect(row.request(), agent_sensitive=False).sensitive))
    return {kind: interval(np.array(found)) for kind, found in hits.items()}


def interval(found: Floats) -> str:
    """A share with its 95 % interval (Wilson)."""
    n, share = len(found), float(found.mean())
    centre = (share + 1.92 / n) / (1 + 3.84 / n)
    half = 1.96 * (share * (1 - share) / n + 0.96 / n**2) ** 0.5 / (1 + 3.84 / n)
    return f"{share:.3f} ({max(0.0, centre - half):.3f}–{min(1.0, centre + half):.3f})"
