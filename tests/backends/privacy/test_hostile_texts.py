"""Texts built against a pattern are what costs a backtracking engine most: many beginnings, long runs, no end."""

import re

import pytest

from backends.hostile_texts import hostile_texts
from benchmarks.evaluation.privacy_speed import patterns


@pytest.mark.parametrize(
    ("pattern", "text"),
    [
        (r"(?:a+)+b", "aaaaaaaaaaaa"),
        (r"(?<!\w)x{2,}y", "xxxxxxxxxxxx"),
        (r"key: \d{3,}!", "key: 1111111"),
        (r"(?:from|to) [a-z]+@", "to a to a to a to a"[:12]),
    ],
)
def test_a_run_that_has_no_end_is_among_them(pattern: str, text: str) -> None:
    assert text in set(hostile_texts(re.compile(pattern), 12))


def test_every_text_has_its_size() -> None:
    pattern = re.compile(r"(?i)(?=a)[^\W_]{3}(b|c)*?\1?(?>d+).[^x]x\Z")
    assert {len(text) for text in hostile_texts(pattern, 200)} == {200}


def test_the_patterns_of_all_detectors_are_known_also_those_of_tables() -> None:
    known = list(patterns())
    assert {"emails", "login_passwords", "national_ids"} <= {each.file for each in known}
    assert len(known) > 150
