"""Shapes: options are separated from questions, words count by what they do, and no length raises."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from backends.routing.quality.difficulty_features import (
    HEAD,
    NAMES,
    PLACE,
    TAIL,
    excerpt,
    parts,
    prior,
    shape,
)

CHOICE = "Which is NOT a metal?\nA. iron\nB. argon\nC. zinc\nD. lead\nAnswer:"


@given(st.text())
def test_any_text_has_a_finite_number_for_each_name(text: str) -> None:
    numbers, form = shape(excerpt(text), len(text))
    assert numbers.shape == (len(NAMES),)
    assert np.isfinite(numbers).all()
    assert form in (0, 1, 2)


def test_options_are_cut_from_their_question() -> None:
    assert parts(CHOICE) == ("Which is NOT a metal?", ["iron", "argon", "zinc", "lead"])
    assert parts("No options.\nB. or so") == ("No options.\nB. or so", [])


def test_forms_go_by_the_number_of_options() -> None:
    ten = "Sum?\n" + "\n".join(f"{letter}. {place}" for place, letter in enumerate("ABCDEFGHIJ"))
    assert [shape(text, len(text)).form for text in ("What is love?", CHOICE, ten)] == [0, 1, 2]


def test_words_count_by_what_they_do() -> None:
    numbers = shape("How many are left if each of the two eats 3.5 and none is shared?", 66).numbers
    for name in ("how-many", "how", "steps", "decimals", "number-words", "negations", "asks", "ends-asking"):
        assert numbers[PLACE[name]] > 0, name
    assert numbers[PLACE["code"]] == 0


def test_long_texts_are_read_at_both_ends() -> None:
    part = excerpt(f"first {'x' * 1_000_000} last")
    assert len(part) <= HEAD + TAIL + 1
    assert part.startswith("first")
    assert part.endswith("last")


def test_the_prior_rises_with_words_and_for_exact_answers_of_open_questions() -> None:
    level = np.zeros(len(NAMES), np.float32)
    longer = level.copy()
    longer[PLACE["words"]] = 1
    counted = level.copy()
    counted[PLACE["quantities"]] = 2
    assert prior(level, longer, 1) > prior(level, level, 1)
    assert prior(counted, level, 0) > prior(level, level, 0)
    assert prior(counted, level, 1) == prior(level, level, 1)
