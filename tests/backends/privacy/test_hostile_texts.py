"""Texts built against a pattern are what costs a backtracking engine most: many beginnings, long runs, no end."""

import re

import pytest

from backends.hostile_texts import hostile_texts
from backends.privacy.detectors.kinds import DETECTORS
from benchmarks.evaluation.privacy_speed import DetectorPattern, judged_in, patterns, spent, users

WINDOW = 10_000
"""Characters that the gate reads at once: longer texts cost as much by kB."""

TRIED = 8
"""Of some hundred texts that are built against a pattern: the benchmark tries all."""

MOST_S, TRIES = 0.25, 3
"""CPU seconds for a window on a busy machine, of the fastest of some tries: most take a hundredth. Time that grows with
the square of the length takes more.
"""

BY_FILE = sorted({each.file for each in patterns()})
VENDORS = "api_keys"
"""The file whose table has hundreds of forms, each of them a bounded row of characters: every tenth is tried."""


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


def built_against(pattern: DetectorPattern) -> list[str]:
    every = list(hostile_texts(pattern.pattern, WINDOW))
    return every[:: max(1, len(every) // TRIED)]


@pytest.mark.parametrize("file", BY_FILE)
def test_no_text_that_is_built_against_a_pattern_takes_long(file: str) -> None:
    mine = [each for each in patterns() if each.file == file]
    for pattern in mine[::10] if file == VENDORS else mine:
        for text in built_against(pattern):
            for detector in users(pattern):
                if spent(detector, text) > MOST_S:
                    fastest = min(spent(detector, text) for _ in range(TRIES))
                    assert fastest < MOST_S, (pattern.name, detector.__module__, text[:60])


@pytest.mark.parametrize(
    "text",
    [
        "a" * 200_000,
        "1" * 200_000,
        "aB3" * 66_667,
        "4539 " * 40_000,
        "password " * 22_000,
        "key: " * 40_000,
        "\\u0041" * 33_000,
        "%41" * 66_000,
        "&#65;" * 40_000,
        "QUJD" * 50_000,
        "\u0430b" * 100_000,
        "a\u0301" * 100_000,
        "'a'\n" * 50_000,
        "(" * 200_000,
    ],
    ids=lambda text: ascii(text[:8]),
)
def test_a_run_of_200_kb_is_judged_in_time(text: str) -> None:
    assert min(judged_in(text) for _ in range(2)) < MOST_S * len(DETECTORS)
