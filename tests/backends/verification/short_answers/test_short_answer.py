"""Options, conclusions, and whether two samples say the same."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backends.verification.short_answers.multiple_choice import chosen_option, parse_question
from backends.verification.short_answers.short_answer import agrees, short_answer

ASKED = "Which is largest?\nA. 3\nB. 7\nC. 5"


def test_options_are_those_of_the_last_list_that_starts_at_a() -> None:
    assert parse_question(ASKED).options == ("3", "7", "5")
    assert parse_question(ASKED).stem == "Which is largest?"
    assert parse_question("Which is largest?\nA. no list").options == ()
    assert parse_question("What is B. here?").options == ()
    assert parse_question(f"A. old\nB. list\n{ASKED}").options == ("3", "7", "5")
    assert parse_question("x\nA. 1\nC. 2\nB. 3").options == ()


@pytest.mark.parametrize(
    ("answer", "index", "conclusions"),
    [
        ("Seven is. The answer is (B).", 1, ("B",)),
        ("The answer is B. Next: the answer is (A).", 1, ("B", "A")),
        ("**Answer: C**", 2, ("C",)),
        ("The answer is (J).", None, ("J",)),
        ("The answer is big.", None, ()),
        ("no idea", None, ()),
    ],
)
def test_the_first_conclusion_counts(answer: str, index: int | None, conclusions: tuple[str, ...]) -> None:
    found = chosen_option(answer, 3)
    assert (found.index, found.conclusions) == (index, conclusions)


@pytest.mark.parametrize(
    ("prompt", "answer", "short"),
    [
        (ASKED, "The answer is (B).", 1),
        (ASKED, "B", 1),
        (ASKED, "(C) since it is", 2),
        (ASKED, "Z", None),
        (ASKED, "A large one", None),
        ("How many?", "3 + 4 = 7\n#### 7", 7.0),
        ("How many?", "So the answer is 1,204 rows.", 1204.0),
        ("Wie viele?", "Die Antwort ist: 12", 12.0),
        ("How many?", "42", 42.0),
        ("How many?", "between 3 and 4", None),
        (
            "How many?",
            "It depends on many things, and I would rather tell a long story of 7 parts than count them.",
            None,
        ),
        ("Name a colour", "red", None),
    ],
)
def test_short_answers(prompt: str, answer: str, short: float | None) -> None:
    assert short_answer(prompt, answer) == short


def test_samples_agree_but_for_rounding() -> None:
    assert agrees(7.0, 7.0001).status == "pass"
    assert agrees(7.0, 8.0).status == "fail"
    assert agrees(1, 1).status == "pass"
    assert agrees(1, 2).status == "fail"
    assert agrees(1, None).status == "unknown"


@given(st.text(), st.text())
def test_any_text_ends_in_a_number_an_option_or_nothing(prompt: str, answer: str) -> None:
    found = short_answer(prompt, answer)
    assert found is None or isinstance(found, int | float)
