"""Numbers as people write them, and sums computed again."""

from math import isfinite

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backends.verification.short_answers.arithmetic import evaluate, sums
from backends.verification.short_answers.numbers import close, numbers


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("1,234.5 and .5", [1234.5, 0.5]),
        ("3.2 × 10^10 m", [3.2e10]),
        (r"$1.83 \times 10^{-3}$", [1.83e-3]),
        ("12e-3", [12e-3]),
        (r"\frac{3}{4}", [0.75]),
        (r"\frac{3}{0}", []),
        ("is -5, x = −7", [-5.0, -7.0]),
        ("10 - 5", [10.0, 5.0]),
        ("-$4", [-4.0]),
        ("room B12 has 2", [2.0]),
        ("5e999", []),
        ("none", []),
    ],
)
def test_numbers(text: str, values: list[float]) -> None:
    assert [number.value for number in numbers(text)] == pytest.approx(values)


@given(st.text() | st.text("0123456789.,eE^×10 -\\frac{}$", max_size=200))
def test_every_number_is_finite_and_stands_where_it_says(text: str) -> None:
    for number in numbers(text):
        assert isfinite(number.value)
        assert any(map(str.isdigit, text[number.start : number.end]))


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("2 + 3 * 4", 14),
        ("(2 + 3)(4)", 20),
        ("2^3^2", 512),
        ("-2 + 5", 3),
        ("$1,000 * 5%", 50),
        ("10 / 4", 2.5),
        ("7", None),
        ("1 / 0", None),
        ("2 +", None),
        ("(2 + 3", None),
        ("9^99999", None),
        ("(0 - 8)^0.5", None),
        ("2 & 3", None),
    ],
)
def test_arithmetic(expression: str, value: float | None) -> None:
    assert evaluate(expression) == (None if value is None else pytest.approx(value))


@pytest.mark.parametrize(
    ("text", "holds"),
    [
        ("The total is $64 + $70.40 + $16.50 + $8.25 = $159.15.", [True]),
        ("80 - 20 = <<80-20=60>>60 goals", [True]),
        ("so 12 * 12 = 124 in all", [False]),
        (r"$\frac{3}{4} \times 8 = 6$", [True]),
        ("1/7 = 0.14 about", [True]),
        ("1/7 = 0.15 about", [False]),
        ("40 / 200 = 20 %", [True]),
        ("3 + 4 = -7", [False]),
        ("2 hours * 30 dollars = 60 dollars", [True]),
        ("2 * 3.1 × 10^3 = 6.2 × 10^3 J", [True]),
        ("2x + 3 = 7", []),
        ("f(3 + 4) = 9", []),
        ("sin 30 * 2 = 5", []),
        ("2 + 3 = 5 + 1", []),
        ("2 + 3 == 6", []),
        ("a = b", []),
        ("2 + 3 = 1 × 10^999", []),
    ],
)
def test_sums_that_are_all_numbers_are_computed_again(text: str, holds: list[bool]) -> None:
    assert [each.holds for each in sums(text)] == holds


def test_only_so_many_sums_are_computed() -> None:
    assert len(list(sums("so 1 + 1 = 2. " * 500))) == 60


@given(st.text("0123456789+-*/^()=. $%x\\frac{}\n", max_size=300))
def test_any_arithmetic_ends(text: str) -> None:
    for each in sums(text):
        assert isfinite(each.computed)


def test_close_is_but_for_rounding() -> None:
    assert close(100, 100.5)
    assert not close(100, 102)
    assert close(0, 0)
