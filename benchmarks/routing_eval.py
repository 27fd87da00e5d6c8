"""Quality: intents and privacy by the shipped parts, routing by cross-validation of the classifier's own method."""

from pathlib import Path
from typing import Any

import numpy as np

from backends.router.classify import Classifier
from backends.router.privacy import PrivacyGate
from backends.settings import Privacy
from benchmarks.routing_data import Row, intents, labelled, private
from benchmarks.routing_scores import Floats, apgr, auc, cpt, macro_f1
from benchmarks.train_classifier import design

WEAK, STRONG = "mixtral-8x7b-instruct", "gpt-4-1106-preview"
SECRETS = frozenset(
    ["api-key", "aws-key", "tailscale", "private-key", "jwt", "connection-string", "env", "password", "kubeconfig"]
)
FOLDS, LABELS, DRAWS = 5, 1_500, 200
SEED = 20261124


def evaluate(data: Path) -> dict[str, dict[str, Any]]:
    """Every figure that the rows of `data` allow."""
    figures: dict[str, dict[str, Any]] = {}
    classifier = Classifier.load()
    for name in ("agents-intents", "agents-intents-2"):
        figures[name] = intent_figures(classifier, data, name)
    for name in ("privacy", "privacy-2"):
        figures[name] = privacy_figures(data, name)
    for name in ("mmlu", "gsm8k"):
        figures |= routing_figures(name, labelled(data, name))
    return figures


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


def routing_figures(name: str, rows: list[Row]) -> dict[str, dict[str, Any]]:
    """Held-out scores by the classifier's features, and by the prompt's length, against random."""
    weak, strong = (np.array([row.labels[model] for row in rows]) for model in (WEAK, STRONG))
    length = np.array([len(row.prompt) for row in rows], float)
    scores = {"ours": held_out(rows, weak, strong), "length": length, "random": np.zeros(len(rows))}
    return {f"{name} {score}": routed(values, weak, strong) for score, values in scores.items()}


def held_out(rows: list[Row], weak: Floats, strong: Floats) -> Floats:
    """P(weak fails) and the expected gain, each row scored by a model that never saw it, from at most 1,500 labels."""
    from sklearn.linear_model import LogisticRegression, Ridge

    dice = np.random.default_rng(SEED)
    matrix, fold = design([row.prompt for row in rows]), dice.integers(0, FOLDS, len(rows))
    scores = np.zeros(len(rows))
    for each in range(FOLDS):
        seen, unseen = np.flatnonzero(fold != each), np.flatnonzero(fold == each)
        seen = dice.permutation(seen)[:LABELS]
        fails = LogisticRegression(C=0.5, max_iter=400).fit(matrix[seen], weak[seen] < 0.5)
        gain = Ridge(alpha=3.0).fit(matrix[seen], (strong - weak)[seen])
        scores[unseen] = fails.predict_proba(matrix[unseen])[:, 1] + gain.predict(matrix[unseen])
    return scores


def routed(score: Floats, weak: Floats, strong: Floats) -> dict[str, Any]:
    """APGR and CPT80 with 95 % intervals over resampled rows."""
    dice = np.random.default_rng(SEED)
    draws = [dice.integers(0, len(score), len(score)) for _ in range(DRAWS)]
    spread = [apgr(score[draw], weak[draw], strong[draw], dice) for draw in draws]
    low, high = np.quantile(spread, [0.025, 0.975])
    whole = float(np.mean([apgr(score, weak, strong, dice) for _ in range(20)]))
    return {
        "apgr": f"{whole:.3f} ({low:.2f}–{high:.2f})",
        "cpt80": round(float(np.mean([cpt(score, weak, strong, dice) for _ in range(20)])), 3),
    }


def interval(found: Floats) -> str:
    """A share with its 95 % interval (Wilson)."""
    n, share = len(found), float(found.mean())
    centre = (share + 1.92 / n) / (1 + 3.84 / n)
    half = 1.96 * (share * (1 - share) / n + 0.96 / n**2) ** 0.5 / (1 + 3.84 / n)
    return f"{share:.3f} ({max(0.0, centre - half):.3f}–{min(1.0, centre + half):.3f})"
