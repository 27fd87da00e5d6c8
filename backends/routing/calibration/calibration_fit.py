"""From verdicts on answers to corrected chances: which label each row gives, and what all of them teach.

Labels are an operator's thumbs and, weaker, what checks said of a local answer. Weak ones never outnumber the
operator's own, so that a thousand checks do not drown ten people's words.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime

import msgspec
from msgspec import Struct

from backends.ledger.answer_ratings import AnsweredRequest
from backends.routing.calibration.calibration_store import Calibration
from backends.routing.quality import Dial, fit
from backends.types import CLOUD, LOCAL, EngineName

LIKELY, UNLIKELY = 0.8, 0.2
"""What a weak label takes for the chance that an answer was good."""

LEAST_TRAFFIC = 300
"""Prompts from which on the dial is read off an operator's own traffic: a percentile of fewer jumps about."""


class QualityLabel(Struct, frozen=True):
    """P(`engine` answers well) as the weights said it, and whether it did: 1 or 0, between for what is only likely."""

    engine: EngineName
    said: float
    outcome: float

    @property
    def weak(self) -> bool:
        return 0.0 < self.outcome < 1.0


class CalibrationFit(Struct, frozen=True, kw_only=True):
    """What a training saw and made; `traffic` are the prompts that the dial is now read off, 0 for the shipped ones."""

    calibration: Calibration
    labels: tuple[QualityLabel, ...]
    weak: int
    traffic: int
    other_weights: int


class _RecordedAttempt(Struct):
    engine: EngineName
    error: str | None = None
    role: str = "answer"


_attempts = msgspec.json.Decoder(tuple[_RecordedAttempt, ...])


def fit_calibration(
    rows: Sequence[AnsweredRequest],
    given: Iterable[QualityLabel],
    *,
    weights: str,
    dialled: Iterable[str],
    shipped: Calibration,
    now: datetime,
) -> CalibrationFit:
    """A calibration from `rows`, newest first, and from labels `given` beside them.

    Only rows of the same `weights` count: others were said by another judge. `dialled` are the agents whose prompts the
    dial decides.
    """
    mine = [row for row in rows if row.p_local is not None and row.weights.partition("+")[0] == weights]
    labels = [*given, *(label for row in mine for label in labels_of(row))]
    sure = [label for label in labels if not label.weak]
    weak = [label for label in labels if label.weak][: len(sure)]
    used = (*sure, *weak)
    local, cloud = (
        fit((label.said, label.outcome) for label in used if label.engine == engine) for engine in (LOCAL, CLOUD)
    )
    learned = Calibration(
        weights=weights, trained_at=now.isoformat(timespec="seconds"), local=local, cloud=cloud, gains=shipped.gains
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


def labels_of(row: AnsweredRequest) -> list[QualityLabel]:
    """A verdict labels who answered; what it says of the better engine, and what checks said, is weak.

    Only the two built-in engines have labels: the weights say P(answers well) of their models.
    """
    if row.p_local is None or row.p_cloud is None:
        return []
    said: dict[EngineName, float] = {LOCAL: row.p_local, CLOUD: row.p_cloud}
    if row.verdict is None or row.engine == "cache":
        return _checked(row, row.p_local)
    labels = {row.engine: 1.0 if row.verdict == "good" else 0.0}
    if row.better_engine is not None:
        labels.setdefault(row.better_engine, LIKELY)
    return [QualityLabel(engine, said[engine], outcome) for engine, outcome in labels.items() if engine in said]


def _checked(row: AnsweredRequest, said: float) -> list[QualityLabel]:
    """A local answer that another engine's replaced, or that was given unverified, failed its check; one that was kept
    after a second sample held.
    """
    attempts = _attempts.decode(row.attempts)
    answered = [each for each in attempts if each.engine == LOCAL and each.error is None and each.role == "answer"]
    if answered and (row.engine != LOCAL or row.unverified):
        return [QualityLabel(LOCAL, said, UNLIKELY)]
    if row.engine == LOCAL and answered and any(each.role == "verification" for each in attempts):
        return [QualityLabel(LOCAL, said, LIKELY)]
    return []


def _gain(learned: Calibration, row: AnsweredRequest) -> float:
    p_local, p_cloud = learned.local.apply(row.p_local or 0.0), learned.cloud.apply(row.p_cloud or 0.0)
    return max(0.0, p_cloud - p_local)
