"""What verdicts and checks teach: their labels, how much weak ones may say, and when the dial is read off traffic."""

from datetime import UTC, datetime
from typing import Any

import pytest
from msgspec.structs import replace

from backends.ledger.answer_ratings import AnsweredRequest
from backends.routing.calibration.calibration_fit import (
    LEAST_TRAFFIC,
    LIKELY,
    UNLIKELY,
    CalibrationFit,
    QualityLabel,
    fit_calibration,
    labels_of,
)
from backends.routing.calibration.calibration_store import Calibration
from backends.types import Classes

NOW = datetime(2026, 11, 24, tzinfo=UTC)
SHIPPED = Calibration(gains=(0.0, 0.2, 0.4))
SCORES = {"local": 63.7, "cloud": 83.0, "gpu": 63.7}
LOCAL_ONLY = '[{"engine": "local", "error": null}]'
ROW = AnsweredRequest(
    id="r",
    at=NOW,
    agent="writer",
    intent="chat",
    engine="local",
    finish="stop",
    attempts=LOCAL_ONLY,
    unverified=False,
    p_local=0.7,
    p_cloud=0.9,
    weights="v1",
    verdict=None,
    better_engine=None,
    right_intent=None,
)


def taught(rows: list[AnsweredRequest], **more: Any) -> CalibrationFit:
    rows = [replace(row, id=f"r{number}") for number, row in enumerate(rows)]
    given: dict[str, Any] = {
        "weights": "v1",
        "dialled": ["writer"],
        "scores": SCORES,
        "shipped": SHIPPED,
        "now": NOW,
    } | more
    return fit_calibration(rows, given.pop("given", []), **given)


@pytest.mark.parametrize(
    ("change", "labels"),
    [
        ({}, []),
        ({"unverified": True}, "failed"),
        ({"verdict": "good"}, [("local", 0.7, 1.0)]),
        ({"verdict": "bad"}, [("local", 0.7, 0.0)]),
        ({"verdict": "bad", "better_engine": "cloud"}, [("local", 0.7, 0.0), ("cloud", 0.9, LIKELY)]),
        ({"verdict": "good", "engine": "cloud"}, [("cloud", 0.9, 1.0)]),
        (
            {"verdict": "bad", "engine": "cloud", "better_engine": "local"},
            [("cloud", 0.9, 0.0), ("local", 0.7, LIKELY)],
        ),
        ({"verdict": "bad", "engine": "cloud", "better_engine": "cloud"}, [("cloud", 0.9, 0.0)]),
        ({"verdict": "bad", "engine": "cache", "attempts": "[]"}, []),
        ({"verdict": "good", "engine": "gone"}, []),
        ({"verdict": "good", "engine": "gpu"}, [("gpu", 0.7, 1.0)]),
        ({"verdict": "bad", "engine": "gone", "better_engine": "gpu"}, [("gpu", 0.7, LIKELY)]),
        (
            {
                "engine": "cloud",
                "attempts": '[{"engine":"gpu","zone":"local","error":null},{"engine":"cloud","error":null}]',
            },
            [("gpu", 0.7, UNLIKELY)],
        ),
        ({"verdict": "bad", "engine": "gone", "better_engine": "cloud"}, [("cloud", 0.9, LIKELY)]),
        ({"verdict": "good", "p_local": None}, []),
        (
            {"engine": "cloud", "attempts": '[{"engine":"local","error":null},{"engine":"cloud","error":null}]'},
            "failed",
        ),
        ({"engine": "cloud", "attempts": '[{"engine":"local","error":"busy"},{"engine":"cloud","error":null}]'}, []),
        (
            {"attempts": '[{"engine":"local","error":null},{"engine":"local","error":null,"role":"verification"}]'},
            "held",
        ),
    ],
)
def test_a_row_gives_its_labels(change: dict[str, Any], labels: Any) -> None:
    weak = {"failed": [("local", 0.7, UNLIKELY)], "held": [("local", 0.7, LIKELY)]}
    wanted = weak[labels] if isinstance(labels, str) else labels
    assert labels_of(replace(ROW, **change), SCORES) == [QualityLabel(*each) for each in wanted]


def test_many_bad_answers_lower_the_chance_and_few_hardly_do() -> None:
    bad = replace(ROW, verdict="bad")
    few, many = taught([bad] * 2), taught([bad] * 60)
    assert many.calibration.local.apply(0.7) < 0.35 < few.calibration.local.apply(0.7) < 0.7
    assert many.calibration.cloud.apply(0.9) == 0.9
    assert (many.calibration.local.labels, many.weak, many.calibration.weights) == (60, 0, "v1")


def test_ratings_of_another_engine_correct_that_engine_alone() -> None:
    bad = replace(ROW, engine="gpu", verdict="bad")
    learned = replace(taught([bad] * 60).calibration, version=1)
    classes = learned.correct(Classes(intent="chat", intent_p=1, complexity=0, p_local=0.7, p_cloud=0.9, weights="v1"))
    assert learned.quality("gpu", classes, 63.7) < 0.35
    assert learned.quality("local", classes, 63.7) == 0.7
    assert learned.quality("unrated", classes, 83.0) == 0.9
    assert learned.corrections["gpu"].labels == 60


def test_weak_labels_never_outnumber_peoples_words() -> None:
    failed = replace(ROW, engine="cloud", attempts='[{"engine":"local","error":null},{"engine":"cloud","error":null}]')
    lesson = taught([replace(ROW, verdict="good")] * 5 + [failed] * 500)
    assert (lesson.weak, len(lesson.labels)) == (5, 10)
    assert taught([failed] * 500).labels == ()


def test_verdicts_on_what_other_weights_routed_are_left_out_and_counted() -> None:
    lesson = taught([replace(ROW, verdict="good", weights="v0"), replace(ROW, verdict="good", weights="v1+3")])
    assert (len(lesson.labels), lesson.other_weights) == (1, 1)


def test_labels_from_a_folder_count_as_words() -> None:
    lesson = taught([], given=[QualityLabel("cloud", 0.9, 0.0)] * 40)
    assert lesson.calibration.cloud.apply(0.9) < 0.6


def test_the_dial_is_read_off_an_operators_own_prompts_once_there_are_enough() -> None:
    rated = replace(ROW, verdict="good")
    few = taught([rated] * (LEAST_TRAFFIC - 1))
    assert (few.traffic, few.calibration.gains) == (0, SHIPPED.gains)
    others = taught([replace(rated, agent="scout")] * LEAST_TRAFFIC)
    assert others.traffic == 0, "scout's prompts never meet the dial"
    enough = taught([rated] * LEAST_TRAFFIC)
    assert enough.traffic == LEAST_TRAFFIC
    assert enough.calibration.gains != SHIPPED.gains
