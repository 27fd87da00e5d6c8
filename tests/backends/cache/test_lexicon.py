import pytest
from hypothesis import given
from hypothesis import strategies as st

from backends.cache.equivalence.lexicon import relation


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        ("install", "installation", "kin"),
        ("prices", "pricing", "kin"),
        ("reducing", "cut", "alike"),
        ("buy", "purchase", "alike"),
        ("safe", "unsafe", "opposite"),
        ("upload", "download", "opposite"),
        ("increase", "decrease", "opposite"),
        ("failing", "succeeds", "opposite"),
        ("optional", "mandatory", "opposite"),
        ("monday", "tuesday", "sibling"),
        ("banana", "throughput", None),
        ("qwertyish", "zxcvb", None),
    ],
)
def test_two_words_have_the_relation_that_wordnet_gives_them(one: str, other: str, expected: str | None) -> None:
    assert relation(one, other) == relation(other, one) == expected


@given(st.text(max_size=12), st.text(max_size=12))
def test_any_two_words_may_be_asked_about(one: str, other: str) -> None:
    assert relation(one, other) == relation(other, one)
