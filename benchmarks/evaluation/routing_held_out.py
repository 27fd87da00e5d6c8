"""Routing on prompts that the fit has not seen: other rows, other subjects, other sets, and what the dial saves.

Each score comes from a fit by `routing_fit` on at most LABELS other rows. Prompt length and random scores are shown
beside it.
"""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from backends.ledger.prices import Prices
from backends.routing.evaluate.router_metrics import Floats, apgr, cpt, middle
from backends.routing.quality.dial import Dial
from backends.routing.quality.posterior import Points, Posterior
from backends.routing.quality.quality_model import QualityModel, chances
from backends.routing.quality.text_embedding import TextEmbedding
from backends.types import Tokens
from backends.upstream import token_count as tokens
from benchmarks.training.routing_data import labelled
from benchmarks.training.routing_fit import fitted, solved

OLDER = ("mixtral-8x7b-instruct", "gpt-4-1106-preview")
SMALL, LARGE = ("llama-3.1-8b-instruct", "gemini-1.5-flash"), ("llama-3.1-70b-instruct", "gemini-1.5-pro")
FOLDS, LABELS, DRAWS, REPEATS, QUARTERS = 5, 1_500, 400, 3, 24
DIALS = (0.2, 0.5, 0.8, 0.9, 0.95)
OUTPUT = 256
"""Tokens of an answer, for money: the sets tell only whether it was right."""

SEED = 20261124


class Set(NamedTuple):
    """A set and a pair's outcomes: `known` is what the quality model takes of each prompt."""

    texts: list[str]
    subjects: NDArray[np.str_]
    known: Points
    weak: Floats
    strong: Floats

    @property
    def length(self) -> Floats:
        return np.array([len(text) for text in self.texts], float)


def routing_figures(data: Path) -> dict[str, dict[str, Any]]:
    """Every row of the table in routing.md."""
    quality, embedding = QualityModel.load(), TextEmbedding.load()
    mmlu, gsm8k, open_questions = (read(data, name, OLDER, quality) for name in ("mmlu", "gsm8k", "mt-bench"))
    small, large = (read(data, "mmlu-pro", pair, quality) for pair in (SMALL, LARGE))
    figures: dict[str, dict[str, Any]] = {}
    for name, each in (("mmlu", mmlu), ("gsm8k", gsm8k), ("mmlu-pro 8b-flash", small), ("mmlu-pro 70b-pro", large)):
        figures |= beside(f"{name} unseen prompts", each, [unseen(each, seed) for seed in range(REPEATS)])
    figures["mmlu unseen subjects"] = subjects(mmlu)
    for name, taught, asked in (
        ("mmlu to gsm8k", mmlu, gsm8k),
        ("gsm8k to mmlu", gsm8k, mmlu),
        ("mmlu to mt-bench", mmlu, open_questions),
        ("gsm8k to mt-bench", gsm8k, open_questions),
        ("mmlu-pro to mt-bench", small, open_questions),
    ):
        figures |= beside(name, asked, [elsewhere(taught, asked, seed) for seed in range(REPEATS)])
    shipped = np.array(quality.gains(open_questions.texts))
    figures["mt-bench, shipped weights (its rows among them)"] = routed([shipped], open_questions)
    for name, each in (("mmlu", mmlu), ("gsm8k", gsm8k), ("mmlu-pro 8b-flash", small), ("mmlu-pro 70b-pro", large)):
        figures |= dialled(name, each, quality, embedding)
    return figures


def read(data: Path, name: str, pair: tuple[str, str], quality: QualityModel) -> Set:
    rows = labelled(data, name)
    weak, strong = (np.array([row.labels[model] for row in rows]) for model in pair)
    texts = [row.prompt for row in rows]
    return Set(texts, np.array([row.subject for row in rows]), quality.points(texts), weak, strong)


def beside(name: str, asked: Set, scores: list[Floats]) -> dict[str, dict[str, Any]]:
    """Ours, length and random; ours less length on the same resampled rows."""
    ours = routed(scores, asked) | {"less_length": paired(scores[0], asked.length, asked)}
    length, blind = routed([asked.length], asked), routed([np.zeros(len(asked.texts))], asked)
    return {f"{name}, ours": ours, f"{name}, length": length, f"{name}, random": blind}


def routed(scores: list[Floats], asked: Set) -> dict[str, Any]:
    """APGR and CPT80, means over the scores; 95 % intervals over resampled rows of the first."""
    dice = np.random.default_rng(SEED)
    figures: dict[str, Any] = {"rows": len(asked.texts)}
    for name, measure in (("apgr", apgr), ("cpt80", cpt)):
        whole = np.mean([measure(score, asked.weak, asked.strong, dice) for score in scores for _ in range(5)])
        spread = [
            measure(scores[0][rows], asked.weak[rows], asked.strong[rows], dice) for rows in draws(len(asked.texts))
        ]
        figures[name] = between(float(whole), spread)
    return figures


def paired(ours: Floats, theirs: Floats, asked: Set) -> str:
    dice = np.random.default_rng(SEED)
    found = [
        apgr(ours[rows], asked.weak[rows], asked.strong[rows], dice)
        - apgr(theirs[rows], asked.weak[rows], asked.strong[rows], dice)
        for rows in draws(len(ours))
    ]
    return between(float(np.mean(found)), found)


def unseen(each: Set, seed: int) -> Floats:
    scores = np.zeros(len(each.texts))
    for seen, left in folds(len(scores), seed):
        scores[left] = gains(each, seen, each.known.at(left))
    return scores


def elsewhere(taught: Set, asked: Set, seed: int) -> Floats:
    rows = np.random.default_rng(seed).permutation(len(taught.texts))[:LABELS]
    return gains(taught, rows, asked.known)


def subjects(each: Set) -> dict[str, Any]:
    """A quarter of the subjects at a time, none of whose rows the fit has seen, against length on the same rows."""
    names, dice = np.unique(each.subjects), np.random.default_rng(SEED)
    ours, length = [], []
    for _ in range(QUARTERS):
        out = np.isin(each.subjects, dice.permutation(names)[: len(names) // 4])
        left = np.flatnonzero(out)
        seen = dice.permutation(np.flatnonzero(~out))[:LABELS]
        score = gains(each, seen, each.known.at(left))
        ours.append(apgr(score, each.weak[left], each.strong[left], dice))
        length.append(apgr(each.length[left], each.weak[left], each.strong[left], dice))
    less = np.array(ours) - np.array(length)
    return {
        "draws": QUARTERS,
        "ours": between(float(np.mean(ours)), ours),
        "length": between(float(np.mean(length)), length),
        "less_length": between(float(np.mean(less)), list(less)),
        "not_below": round(float(np.mean(less >= 0)), 2),
    }


def gains(taught: Set, rows: NDArray[np.intp], asked: Points) -> Floats:
    """Expected gains by a fit on some rows of a set, less the mean that those rows have, which is the fold's own."""
    outcomes = np.column_stack([taught.weak, taught.strong])[rows]
    raw, _ = Posterior(solved(taught.known.at(rows), outcomes, np.ones(len(rows)), len(rows))).expected(asked)
    return np.asarray(raw[:, 1] - raw[:, 0] - np.diff(outcomes.mean(axis=0)), np.float64)


def dialled(name: str, each: Set, quality: QualityModel, embedding: TextEmbedding) -> dict[str, dict[str, Any]]:
    """What each dial cuts and keeps on held-out rows, read off the taught rows' gains; and P(local)'s error."""
    count = len(each.texts)
    above, p_local = np.zeros((len(DIALS), count), bool), np.zeros(count)
    outcomes = np.column_stack([each.weak, each.strong])
    for seen, left in folds(count, SEED):
        arrays = fitted([each.texts[row] for row in seen], outcomes[seen], quality.scales, embedding)
        raw, _ = Posterior(arrays).expected(each.known.at(left))
        said = np.array([chances(row, *(tuple(arrays[line]) for line in ("local_line", "gain_line"))) for row in raw])
        p_local[left] = said[:, 0]
        dial = Dial(tuple(map(float, arrays["quantiles"])))
        above[:, left] = [said[:, 1] - said[:, 0] > dial.threshold(at, "quality") for at in DIALS]
    spent = costs(each.texts)
    figures: dict[str, dict[str, Any]] = {f"{name}, P(local)": {"ece": calibration_error(p_local, each.weak)}}
    for at, cloud in zip(DIALS, above, strict=True):
        found = [money(cloud[rows], spent[rows], each.weak[rows], each.strong[rows]) for rows in draws(count)]
        whole = money(cloud, spent, each.weak, each.strong)
        figures[f"{name}, dial {at}"] = {
            what: between(whole[place], [one[place] for one in found])
            for place, what in enumerate(("cloud_share", "cost_cut", "quality_kept"))
        }
    return figures


def money(cloud: NDArray[np.bool_], spent: Floats, weak: Floats, strong: Floats) -> tuple[float, float, float]:
    """Share of calls, share of all-cloud cost gone, and quality as a share of all-cloud's."""
    kept = np.where(cloud, strong, weak).sum() / strong.sum()
    return float(cloud.mean()), float(1 - spent[cloud].sum() / spent.sum()), float(kept)


def costs(texts: list[str]) -> Floats:
    """US dollars of each prompt on the built-in cloud model; local is free."""
    prices, now = Prices({}), datetime.now(UTC)
    used = (Tokens(input=tokens.count_text(text), output=OUTPUT) for text in texts)
    return np.array([float(prices.cost("cloud", "gemini-2.5-flash", each, now).usd) for each in used])


def calibration_error(said: Floats, outcome: Floats, bins: int = 10) -> float:
    """Mean distance of what is said from what happens, over as many bins of equal size."""
    groups = np.array_split(np.argsort(said, kind="stable"), bins)
    return round(
        float(sum(abs(said[rows].mean() - outcome[rows].mean()) * len(rows) for rows in groups) / len(said)), 3
    )


def folds(count: int, seed: int) -> Iterator[tuple[NDArray[np.intp], NDArray[np.intp]]]:
    """Rows to learn from, at most LABELS, and rows left out."""
    dice = np.random.default_rng(seed)
    fold = dice.permutation(count) % FOLDS
    for each in range(FOLDS):
        yield dice.permutation(np.flatnonzero(fold != each))[:LABELS], np.flatnonzero(fold == each)


def draws(count: int) -> Iterator[NDArray[np.intp]]:
    dice = np.random.default_rng(SEED)
    for _ in range(DRAWS):
        yield dice.integers(0, count, count)


def between(whole: float, spread: list[float]) -> str:
    """A figure and the middle 95 % of its values over resampled rows."""
    low, high = middle(spread)
    return f"{whole:.3f} ({low:.2f}–{high:.2f})"
