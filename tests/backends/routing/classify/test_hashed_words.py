"""Words, pairs and stems become CRC-32s, however they are assembled."""

from itertools import pairwise
from zlib import crc32

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from backends.routing.classify.hashed_words import (
    BUCKETS,
    EDGE,
    OPENING,
    hashed,
    opening,
    terms,
    words,
)


def codes(*names: str) -> set[int]:
    return {crc32(name.encode("utf-8", "surrogatepass")) for name in names}


def test_words_are_lowercase_and_numbers_keep_only_their_length() -> None:
    assert words("Pay £12.50 to A_b, 12345678 times!") == (
        ["pay", "£", "##", ".", "##", "to", "a", "b", ",", "######", "times", "!"]
    )
    assert words("日本 ÄÖ") == ["日", "本", "äö"]


@given(st.text(max_size=200))
def test_terms_are_words_pairs_and_stems_and_edges_are_marked(text: str) -> None:
    found = words(text)
    each = terms(found)
    stems = (f"{word[:5]}~" for word in found if len(word) > 5)
    assert {*each.codes, *each.pairs, *each.stems} == codes(*found, *map("_".join, pairwise(found)), *stems)
    first, last = found[:EDGE], found[-EDGE:]
    begun = codes(
        *(f"^{place}{word}" for place, word in enumerate(found[:OPENING])), *(f"^{a}_{b}" for a, b in pairwise(first))
    )
    assert set(opening(each.words[:EDGE])) == begun
    assert each.edges() == begun | codes(*(f"^{word}" for word in first), *(f"{word}$" for word in last))


@given(st.text(max_size=200))
def test_buckets_are_rows_of_the_weights_and_both_kinds_of_terms_have_length_one(text: str) -> None:
    rows, values = hashed(text)
    assert rows.shape == values.shape
    assert ((rows >= 0) & (rows < BUCKETS)).all()
    assert not len(rows) or np.isclose(float(values @ values), 2, atol=1e-3)
