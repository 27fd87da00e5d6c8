"""Vectors of texts: of unit length, independent of order and repetition, near for like meanings."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from backends.routing.quality.text_embedding import WORD, TextEmbedding, distinct

EMBEDDING = TextEmbedding.load()


@given(st.text())
def test_any_text_has_a_unit_vector_or_none(text: str) -> None:
    length = float(np.linalg.norm(EMBEDDING.vector(text)))
    assert length == pytest.approx(1, abs=1e-5) or length == 0


def test_order_case_and_repetition_do_not_matter() -> None:
    assert EMBEDDING.vector("the quick fox") == pytest.approx(EMBEDDING.vector("Fox the QUICK quick fox"))


def test_like_meanings_are_nearer() -> None:
    doctor, medicine, football = map(
        EMBEDDING.vector, ("a doctor treats a patient", "medicine in hospitals", "football")
    )
    assert doctor @ medicine > doctor @ football


def test_an_unknown_word_is_assembled_from_its_pieces_and_unknown_signs_are_ignored() -> None:
    assert np.linalg.norm(EMBEDDING.vector("electroencephalographic")) > 0
    assert np.linalg.norm(EMBEDDING.vector("\U0001f9ff")) == 0


@given(st.text(max_size=200) | st.text(st.characters(max_codepoint=127), max_size=200))
def test_words_are_those_of_the_pattern_in_plain_text_too(text: str) -> None:
    assert distinct(text) == set(WORD.findall(text.lower()))
