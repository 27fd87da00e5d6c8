"""Fit the weights of the intents on our own prompts: first which sentences ask, then what they ask for.

Both steps are logistic regressions over hashed words. A prompt's sentences are weighted by a regression that has not
seen its frame, as in production; the temperature is fitted on held-out frames in the same way.
"""

from collections import Counter
from collections.abc import Sequence
from typing import Any
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from backends.routing.classify import hashed_words, sentence_weights
from backends.routing.classify.sentence_shapes import shapes
from backends.routing.classify.sentence_weights import SentenceWeigher
from benchmarks.training.training_prompts import Prompt

ANYWHERE = 0.7
"""Words anywhere, among them those of the material, are held back against those that ask."""

COMBINED = 4.0
"""A frame made of phrases says more than one with a single slot, and weighs so much more."""

FOLDS = 3
COOLEST, HOTTEST = 0.3, 3.0

Array = NDArray[np.float32]
Arrays = dict[str, NDArray[Any]]


def fitted(prompts: Sequence[Prompt]) -> Arrays:
    """The arrays of weights.npz that concern intents; outputs are the intents in alphabetical order."""
    weight, fold = weights_of(prompts), folds(prompts)
    unseen = [SentenceWeigher(weigher(prompts, weight * (fold != each))) for each in range(FOLDS)]
    matrix = design([prompt.text for prompt in prompts], [unseen[each] for each in fold])
    labels = np.array([prompt.intent for prompt in prompts])
    model = regression(matrix, labels, weight)
    anywhere, asked = np.split(model.coef_.T.astype(np.float32), 2)
    arrays = weigher(prompts, weight)
    arrays["matrix"], arrays["scale"] = eight_bits(anywhere * ANYWHERE)
    arrays["asked"], arrays["asked_scale"] = eight_bits(asked)
    arrays["bias"] = model.intercept_.astype(np.float32)
    arrays["intents"] = model.classes_
    arrays["heat"] = np.array(heat(matrix, labels, weight, fold))
    return arrays


def eight_bits(weights: NDArray[Any]) -> tuple[NDArray[np.int8], Array]:
    """Weights and the scale of each output, which undoes the rounding to whole numbers."""
    scale = np.maximum(np.abs(weights).max(axis=0), 1e-9).astype(np.float32) / 127
    return np.round(weights / scale).astype(np.int8), scale


def heat(matrix: Any, labels: NDArray[Any], weight: Array, fold: NDArray[np.int64]) -> float:
    """What to multiply scores by, so that the probability said is on average the accuracy on frames never seen."""
    seen, unseen = np.flatnonzero(fold != 0), np.flatnonzero(fold == 0)
    model = regression(matrix[seen], labels[seen], weight[seen])
    scores = model.decision_function(matrix[unseen])
    right = np.average(model.classes_[scores.argmax(1)] == labels[unseen], weights=weight[unseen])
    low, high = COOLEST, HOTTEST
    for _ in range(30):
        middle = (low + high) / 2
        powers = np.exp(middle * (scores - scores.max(axis=1, keepdims=True)))
        said = np.average(powers.max(axis=1) / powers.sum(axis=1), weights=weight[unseen])
        low, high = (middle, high) if said < right else (low, middle)
    return (low + high) / 2


def weights_of(prompts: Sequence[Prompt]) -> Array:
    """Each frame weighs the same however often it was filled, but for those made of phrases."""
    count = Counter(prompt.frame for prompt in prompts)
    raw = np.array([(COMBINED if prompt.combined else 1.0) / count[prompt.frame] for prompt in prompts])
    return np.asarray(raw / raw.mean(), np.float32)


def folds(prompts: Sequence[Prompt]) -> NDArray[np.int64]:
    """A fold for each prompt; a frame is in one fold whole."""
    return np.array([crc32(prompt.frame.encode()) % FOLDS for prompt in prompts])


def weigher(prompts: Sequence[Prompt], weight: Array) -> Arrays:
    """Sentences inside pasted material against all others."""
    from scipy.sparse import csr_matrix, hstack
    from sklearn.linear_model import LogisticRegression

    columns, values, ends, looks, asks, mass = [], [], [0], [], [], []
    for prompt, share in zip(prompts, weight, strict=True):
        if not share or len(prompt.text) >= hashed_words.HEAD:
            continue
        parsed = sentence_weights.split(prompt.text)
        if not parsed.spans:
            continue
        looks.append(shapes(prompt.text, parsed.spans))
        for place, (start, end) in enumerate(parsed.spans):
            found = parsed.sentence_terms.codes[parsed.sentence_terms.places == place] % hashed_words.BUCKETS
            inside = sum(max(0, min(end, last) - max(start, first)) for first, last in prompt.pasted)
            columns.append(found)
            values.append(np.full(len(found), (len(found) or 1) ** -0.5))
            ends.append(ends[-1] + len(found))
            asks.append(inside < (end - start) / 2)
            mass.append(share / len(parsed.spans) ** 0.5)
    size = (len(asks), hashed_words.BUCKETS)
    words = csr_matrix((np.concatenate(values), np.concatenate(columns), ends), shape=size)
    model = LogisticRegression(C=2, max_iter=80)
    model.fit(hstack([words, csr_matrix(np.vstack(looks))]).tocsr(), asks, sample_weight=mass)
    hashed, scale = eight_bits(model.coef_[0][: hashed_words.BUCKETS, None].astype(np.float32))
    return {
        "asking": hashed[:, 0],
        "asking_scale": scale,
        "asking_shape": model.coef_[0][hashed_words.BUCKETS :].astype(np.float32),
        "asking_bias": np.array(model.intercept_[0], np.float32),
    }


def design(texts: Sequence[str], weighers: Sequence[SentenceWeigher]) -> Any:
    """A sparse matrix, a row for each text: words anywhere, then words that ask.

    Length and other features by hand are left out: they only tell which intents tend to come with much material.
    """
    from scipy.sparse import csr_matrix, hstack

    blocks: list[tuple[list[Any], list[Any], list[int]]] = [([], [], [0]), ([], [], [0])]
    for text, weigh in zip(texts, weighers, strict=True):
        parsed = sentence_weights.split(hashed_words.excerpt(text))
        for (columns, values, ends), (found, value) in zip(
            blocks,
            (parsed.terms.hashed(), sentence_weights.weighted_terms(parsed.sentence_terms, weigh(parsed))),
            strict=True,
        ):
            columns.append(found)
            values.append(value)
            ends.append(ends[-1] + len(found))
    anywhere, asked = (
        csr_matrix((np.concatenate(values), np.concatenate(columns), ends), shape=(len(texts), size))
        for (columns, values, ends), size in zip(blocks, (hashed_words.BUCKETS, hashed_words.BUCKETS), strict=True)
    )
    return hstack([anywhere * ANYWHERE, asked]).tocsr()


def regression(matrix: Any, labels: NDArray[Any], weight: Array) -> Any:
    from sklearn.linear_model import LogisticRegression

    return LogisticRegression(C=15, max_iter=80, class_weight="balanced").fit(matrix, labels, sample_weight=weight)
