"""Fits a calibration: which label each answer gives, and the corrections that follow from all of them.

Labels are an operator's ratings and, weaker, the results of checks. Weak labels never outnumber the operator's own, so
that a thousand checks do not outweigh ten ratings.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

import msgspec
from msgspec import Struct

from backends.ledger.answer_ratings import AnsweredRequest
from backends.routing.calibration.calibration_store import Calibration
from backends.routing.quality.ability import quality
from backends.routing.quality.dial import Dial
from backends.routing.quality.platt_scaling import fit
from backends.settings.engines import BUILT_IN, CLOUD_ENGINE, LOCAL_ENGINE
from backends.types import CACHE, LOCAL, EngineName, Zone

LIKELY, UNLIKELY = 0.8, 0.2
"""What a weak label takes for the chance that an answer was good."""

LEAST_TRAFFIC = 300
"""Prompts from which the dial's scale is the operator's own traffic; percentiles of fewer are unstable."""


class QualityLabel(Struct, frozen=True):
    """P(`engine` answers well) as the weights estimate it, and whether it did: 1 or 0, or between."""

    engine: EngineName
    said: float
    outcome: float

    @property
    def weak(self) -> bool:
        return 0.0 < self.outcome < 1.0


class CalibrationFit(Struct, frozen=True, kw_only=True):
    """A training's result, and what it rests on. `traffic` are the prompts that make up the dial's scale, 0 for the
    shipped scale.
    """

    calibration: Calibration
    labels: tuple[QualityLabel, ...]
    weak: int
    traffic: int
    other_weights: int


class _RecordedAttempt(Struct):
    engine: EngineName
    zone: Zone | None = None
    error: str | None = None
    role: str = "answer"


_attempts = msgspec.json.Decoder(tuple[_RecordedAttempt, ...])


def fit_calibration(
    rows: Sequence[AnsweredRequest],
    given: Iterable[QualityLabel],
    *,
    weights: str,
    dialled: Iterable[str],
    scores: Mapping[EngineName, float],
    shipped: Calibration,
    now: datetime,
) -> CalibrationFit:
    """A calibration from `rows`, newest first, and from labels `given` beside them.

    Only rows of the same `weights` count, since others were estimated by another model. `dialled` are the agents whose
    prompts the dial decides, `scores` say how able the engines' models are, as MMLU-Pro in percent.
    """
    mine = [row for row in rows if row.p_local is not None and row.weights.partition("+")[0] == weights]
    labels = [*given, *(label for row in mine for label in labels_of(row, scores))]
    sure = [label for label in labels if not label.weak]
    weak = [label for label in labels if label.weak][: len(sure)]
    used = (*sure, *weak)
    fitted = {
        engine: fit((label.said, label.outcome) for label in used if label.engine == engine)
        for engine in dict.fromkeys((*BUILT_IN, *(label.engine for label in used)))
    }
    learned = Calibration(
        weights=weights,
        trained_at=now.isoformat(timespec="seconds"),
        local=fitted.pop(LOCAL_ENGINE),
        cloud=fitted.pop(CLOUD_ENGINE),
        engines=fitted,
        gains=shipped.gains,
    )
    names = frozenset(dialled)
    gains = [_gain(learned, row) for row in mine if row.agent in names]
    enough = len(gains) >= LEAST_TRAFFIC
    if enough:
        learned = msgspec.structs.replace(learned, gains=Dial.over(gains).quantiles)
    counted = {row.id for row in mine}
    told = sum(row.verdict is not None and row.id not in counted for row in rows)
    return CalibrationFit(
        calibration=learned, labels=used, weak=len(weak), traffic=len(gains) if enough else 0, other_weights=told
    )


def chances(p_local: float, p_cloud: float, scores: Mapping[EngineName, float]) -> dict[EngineName, float]:
    """P(each engine answers well), before any correction; the built-in two's are what the weights say."""
    found = {engine: quality(p_local, p_cloud, score) for engine, score in scores.items()}
    return found | {LOCAL_ENGINE: p_local, CLOUD_ENGINE: p_cloud}


def labels_of(row: AnsweredRequest, scores: Mapping[EngineName, float]) -> list[QualityLabel]:
    """A verdict labels who answered; what it says of the better engine, and what checks said, is weak.

    An engine that `scores` does not know, such as one that is gone, has no label.
    """
    if row.p_local is None or row.p_cloud is None:
        return []
    said = chances(row.p_local, row.p_cloud, scores)
    if row.verdict is None or row.engine == CACHE:
        return _checked(row, said)
    labels = {row.engine: 1.0 if row.verdict == "good" else 0.0}
    if row.better_engine is not None:
        labels.setdefault(row.better_engine, LIKELY)
    return [QualityLabel(engine, said[engine], outcome) for engine, outcome in labels.items() if engine in said]


def _checked(row: AnsweredRequest, said: Mapping[EngineName, float]) -> list[QualityLabel]:
    """A local answer that another engine's replaced, or that was given unverified, failed its check; one that was kept
    after a second sample held.
    """
    attempts = _attempts.decode(row.attempts)
    answered = [each for each in attempts if _at_home(each) and each.error is None and each.role == "answer"]
    if not answered or (engine := answered[0].engine) not in said:
        return []
    if row.engine != engine or row.unverified:
        return [QualityLabel(engine, said[engine], UNLIKELY)]
    if any(each.role == "verification" for each in attempts):
        return [QualityLabel(engine, said[engine], LIKELY)]
    return []


def _at_home(attempt: _RecordedAttempt) -> bool:
    """Was it a local engine? Rows of earlier versions name no zone, and know the built-in engines alone."""
    return attempt.zone == LOCAL if attempt.zone is not None else attempt.engine == LOCAL_ENGINE


def _gain(learned: Calibration, row: AnsweredRequest) -> float:
    p_local, p_cloud = learned.local.apply(row.p_local or 0.0), learned.cloud.apply(row.p_cloud or 0.0)
    return max(0.0, p_cloud - p_local)
