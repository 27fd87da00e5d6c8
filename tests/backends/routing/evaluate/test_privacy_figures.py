"""What the gate's figures on a labelled set say: counted by row, by kind of row and by kind of finding."""

import pytest

from backends.routing.evaluate.datasets import Row
from backends.routing.evaluate.privacy_figures import privacy_figures

KEY = "ghp_aB3dE5fG7hJ9kL2mN4pQ6rS8tU1vW3xY5z"
ROWS = [
    Row(prompt=f"use {KEY} for it", sensitive=True, kind="suite.forge.1"),
    Row(prompt="nothing to see", sensitive=True, kind="suite.forge.2"),
    Row(prompt="write to lena.ortiz@webmail.net", sensitive=True, kind="EMAIL+PHONE"),
    Row(prompt="write to tom.ortiz@webmail.net", sensitive=False, kind="none"),
    Row(prompt="good morning", sensitive=False, kind="none"),
]


def measured(rows: list[Row], *, by_kind: bool = True) -> dict[tuple[str, str], tuple[float, int]]:
    figures = list(privacy_figures("set", rows, by_kind=by_kind))
    assert all(each.low is not None and each.low <= each.value <= (each.high or 0) for each in figures)
    return {(each.of, each.measure): (each.value, each.rows) for each in figures}


def test_recall_false_alarms_and_precision_are_counted_by_row() -> None:
    assert measured(ROWS, by_kind=False) == {
        ("secrets and personal data", "recall"): (pytest.approx(2 / 3), 3),
        ("harmless", "false alarms"): (0.5, 2),
        ("secrets and personal data", "precision"): (pytest.approx(2 / 3), 3),
    }


def test_rows_of_one_vendor_or_kind_are_a_group() -> None:
    found = measured(ROWS)
    assert found["forge", "recall"] == (0.5, 2)
    assert found["EMAIL", "recall"] == found["PHONE", "recall"] == (1.0, 1)
    assert found["none", "false alarms"] == (0.5, 2)


def test_each_kind_of_finding_says_how_often_it_was_right() -> None:
    found = measured(ROWS)
    assert found["found as api-key", "precision"] == (1.0, 1)
    assert found["found as email", "precision"] == (0.5, 2)


def test_rows_that_say_what_they_hold_are_secrets_or_personal_data() -> None:
    rows = [
        Row(prompt=KEY, sensitive=True, kinds=("api-key",)),
        Row(prompt="lena.ortiz@webmail.net", sensitive=True, kinds=("email",)),
    ]
    found = measured(rows)
    assert found["secrets", "recall"] == found["personal data", "recall"] == found["api-key", "recall"] == (1.0, 1)
    assert ("secrets and personal data", "precision") not in found, "nothing harmless was measured"
