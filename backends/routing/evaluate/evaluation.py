"""The figures of one labelled set, for the classifier, quality model and gate as they are shipped."""

from collections.abc import Iterator

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from backends.routing.classify.classifier import Classifier
from backends.routing.evaluate.datasets import Dataset
from backends.routing.evaluate.figures import Figure, share
from backends.routing.evaluate.privacy_figures import privacy_figures
from backends.routing.evaluate.router_metrics import (
    Floats,
    apgr,
    auc,
    cpt,
    macro_f1,
    middle,
)
from backends.routing.quality.dial import Dial
from backends.types import CLOUD, LOCAL, Classes, DialBy

PAIRS = (
    (LOCAL, CLOUD),
    ("mixtral-8x7b-instruct", "gpt-4-1106-preview"),
    ("llama-3.1-8b-instruct", "gemini-1.5-flash"),
    ("llama-3.1-70b-instruct", "gemini-1.5-pro"),
)
"""A weak and a strong model whose labels are compared, where a set has both."""

TRAINED_ON = ("gsm8k", "mmlu", "mmlu-pro", "mt-bench")
"""Sets that the shipped weights learned from, so that their figures say nothing about unseen prompts."""

DRAWS, SEED = 200, 20261124


class DialSetting(Struct, frozen=True, kw_only=True):
    """The dial, its unit and its scale."""

    dial: float
    by: DialBy
    scale: Dial

    def __str__(self) -> str:
        return f"dial {self.dial:g} by {self.by.replace('-', ' ')}"


def evaluate(
    dataset: Dataset, classifier: Classifier, setting: DialSetting, *, by_kind: bool = False
) -> Iterator[Figure]:
    """Every figure that the rows allow; those of the privacy gate also `by_kind`."""
    if dataset.kind == "routing":
        return _routing(dataset, classifier, setting)
    if dataset.kind == "intents":
        return _intents(dataset, classifier)
    return privacy_figures(dataset.name, dataset.rows, by_kind=by_kind)


def _routing(dataset: Dataset, classifier: Classifier, setting: DialSetting) -> Iterator[Figure]:
    """How well the router's gain, the prompt's length and chance route each pair of models, and what the dial does."""
    classified = [classifier.classify(row.request()) for row in dataset.rows]
    gain = np.array([classes.p_cloud - classes.p_local for classes in classified])
    length = np.array([len(row.prompt) for row in dataset.rows], float)
    for weak, strong in PAIRS:
        both = [index for index, row in enumerate(dataset.rows) if {weak, strong} <= (row.labels or {}).keys()]
        labels = [(dataset.rows[index].labels or {}) for index in both]
        was, would = (np.array([each[model] for each in labels], float) for model in (weak, strong))
        if len(both) < 2 or (would - was).sum() <= 0:
            continue
        for name, score in (("router", gain[both]), ("length", length[both]), ("random", np.zeros(len(both)))):
            yield from _routed(dataset.name, f"{name}, {weak} → {strong}", score, was, would)
        goes = gain[both] > setting.scale.threshold(setting.dial, setting.by)
        yield from _dialled(dataset.name, f"{setting}, {weak} → {strong}", goes, was, would)


def _dialled(dataset: str, of: str, goes: NDArray[np.bool_], weak: Floats, strong: Floats) -> Iterator[Figure]:
    """The share of the rows that this dial sends to the cloud, and what is kept of the cloud's own quality."""
    yield share(dataset, of, "cloud share", [bool(each) for each in goes])
    kept = np.where(goes, strong, weak)
    dice = np.random.default_rng(SEED)
    draws = (dice.integers(0, len(goes), len(goes)) for _ in range(DRAWS))
    spread = [kept[draw].mean() / strong[draw].mean() for draw in draws if strong[draw].any()]
    low, high = middle(spread)
    value = float(kept.mean() / strong.mean())
    yield Figure(dataset=dataset, of=of, measure="quality kept", rows=len(goes), value=value, low=low, high=high)


def _routed(dataset: str, of: str, score: Floats, weak: Floats, strong: Floats) -> Iterator[Figure]:
    dice = np.random.default_rng(SEED)
    draws = [dice.integers(0, len(score), len(score)) for _ in range(DRAWS)]
    able = [draw for draw in draws if (strong - weak)[draw].sum() > 0]
    for measure, of_rows in (("APGR", apgr), ("CPT80", cpt)):
        spread = [of_rows(score[draw], weak[draw], strong[draw], dice) for draw in able]
        low, high = middle(spread)
        whole = float(np.mean([of_rows(score, weak, strong, dice) for _ in range(20)]))
        yield Figure(dataset=dataset, of=of, measure=measure, rows=len(score), value=whole, low=low, high=high)


def _intents(dataset: Dataset, classifier: Classifier) -> Iterator[Figure]:
    classified = [classifier.classify(row.request()) for row in dataset.rows]
    truth, guess = [row.intent or "" for row in dataset.rows], [classes.intent for classes in classified]
    dice = np.random.default_rng(SEED)
    draws = [dice.integers(0, len(truth), len(truth)) for _ in range(DRAWS)]
    spread = [macro_f1([truth[i] for i in draw], [guess[i] for i in draw]) for draw in draws]
    low, high = middle(spread)
    yield Figure(
        dataset=dataset.name,
        of="intent",
        measure="macro F1",
        rows=len(truth),
        value=macro_f1(truth, guess),
        low=low,
        high=high,
    )
    yield share(dataset.name, "intent", "accuracy", [a == b for a, b in zip(truth, guess, strict=True)])
    yield from _hard(dataset, classified)


def _hard(dataset: Dataset, classified: list[Classes]) -> Iterator[Figure]:
    """Do prompts that are marked as hard for a local model have a lower P(local answers well)?"""
    marked = [
        (row.hard, -classes.p_local)
        for row, classes in zip(dataset.rows, classified, strict=True)
        if row.hard is not None
    ]
    hard = [bool(each) for each, _ in marked]
    if any(hard) and not all(hard):
        value = auc(hard, [score for _, score in marked])
        yield Figure(dataset=dataset.name, of="hard for local", measure="AUC", rows=len(marked), value=value)
