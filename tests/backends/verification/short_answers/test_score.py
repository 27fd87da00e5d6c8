"""The learned score: what it reads, that it never fails, and that training and serving agree."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from backends.types import Message, Request, ToolCall
from backends.verification import CheckedAnswer
from backends.verification.short_answers.multiple_choice import Question
from backends.verification.short_answers.option_prior import option_features
from backends.verification.short_answers.parsed_answer import parse
from backends.verification.short_answers.score import Score, features

SCORE = Score.load()
ASKED = "A train covers 60 km in 2 h. What is its speed?\nA. 15 km/h\nB. 30 km/h\nC. 45 km/h\nD. 60 km/h"
SOUND = "Speed is distance by time: 60 / 2 = 30 km/h. The answer is (B)."
SUMS_WRONG = "Speed is distance by time: 60 / 2 = 45 km/h. The answer is (C)."
SETTLED = "60 / 2 = 30. It is not among the options; the closest is 60 km/h. The answer is (D)."
LOST = "We have to find the speed. " * 60


def test_an_answer_that_follows_from_its_derivation_is_likelier_right() -> None:
    sound, *others = (SCORE.chances(ASKED, answer).right for answer in (SOUND, SUMS_WRONG, SETTLED, LOST))
    assert all(sound > other for other in others)


def test_what_is_easy_for_a_strong_model_scores_higher() -> None:
    easy = "Which organelle makes most of a cell's ATP?\nA. ribosome\nB. mitochondrion\nC. nucleus\nD. lysosome"
    hard = (
        "A steel beam of 6.2 m with a W310x97 section carries 18 kN/m and a point load of 42 kN at 2.1 m from the left"
        " support. Neglecting its own weight, calculate the deflection in mm at mid-span for E = 200 GPa.\n"
        "A. 4.1\nB. 5.2\nC. 6.3\nD. 7.9\nE. 8.8\nF. 9.4\nG. 10.3\nH. 11.7\nI. 12.2\nJ. 13.5"
    )
    answers = ("It is the mitochondrion. The answer is (B).", "We get 7.1 mm. The closest is 7.9. The answer is (D).")
    assert SCORE.chances(easy, answers[0]).strong > SCORE.chances(hard, answers[1]).strong + 0.1


@pytest.mark.parametrize(
    ("answer", "name", "value"),
    [
        (SOUND, "arrives", 1.0),
        (SOUND, "sums_hold", 1.0),
        (SUMS_WRONG, "sums_wrong", pytest.approx(1 / 3)),
        (SETTLED, "settles", 1.0),
        (SETTLED, "arrives_elsewhere", 1.0),
        (LOST, "concluded", 0.0),
        (LOST, "repeated", pytest.approx(59 / 60)),
        ("The answer is (A). Wait, the answer is (B).", "contradicts", 1.0),
        ("The answer is (Z).", "among_options", 0.0),
        ("0.03 × 1000 = 30 m. It is 0.03. The answer is (B).", "power_off", 1.0),
    ],
)
def test_features_mean_what_they_say(answer: str, name: str, value: float) -> None:
    assert features(parse(ASKED, answer))[name] == value


@given(st.text() | st.just(ASKED), st.text() | st.text("0123456789.=+-*/^(){}\\ ABC\n", max_size=300))
def test_any_text_has_chances(prompt: str, answer: str) -> None:
    chances = SCORE.chances(prompt, f"{answer} The answer is (A).")
    assert 0 <= chances.right <= 1
    assert 0 <= chances.strong <= 1


@given(st.lists(st.text(max_size=40), min_size=2, max_size=12))
def test_any_options_have_a_row_each(options: list[str]) -> None:
    rows = option_features(Question("Which?", tuple(options)))
    assert rows.shape[0] == len(options)
    assert np.isfinite(rows).all()


def test_the_first_characters_of_a_very_long_answer_decide() -> None:
    assert SCORE.chances(ASKED, SOUND + " more" * 100_000) == SCORE.chances(ASKED, (SOUND + " more" * 100_000)[:8_000])


@pytest.mark.parametrize(
    ("answer", "allowed", "status"),
    [
        (LOST + "The answer is (D).", 0.0, "fail"),
        (SOUND, 0.9, "pass"),
        ("It depends.", 0.0, "unknown"),
        (SOUND, None, "unknown"),
    ],
)
def test_the_gain_is_compared_with_what_the_dial_gives_up(answer: str, allowed: float | None, status: str) -> None:
    request = Request(id="t", messages=(Message(role="user", text=ASKED),))
    assert SCORE.check(CheckedAnswer(request=request, prompt=ASKED, text=answer, allowed=allowed)).status == status
    calls = (ToolCall(id="1", name="x", arguments="{}"),)
    assert (
        SCORE.check(CheckedAnswer(request=request, prompt=ASKED, text=answer, calls=calls, allowed=allowed)).status
        == "unknown"
    )
