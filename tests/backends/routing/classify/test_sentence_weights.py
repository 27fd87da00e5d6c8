"""Which sentences ask: learned, bounded, and the same for the same text."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from backends.routing.classify import hashed_words, sentence_weights
from backends.routing.classify.classifier import Classifier
from backends.routing.classify.sentence_shapes import SHAPES, shapes

WEIGHER = Classifier.load().weigher

LETTER = (
    "Dear Mr Fox,\nthe pump was delivered on Monday. It leaks at the lower valve. The fitter measured 3 bar.\n"
    "He will come back on Friday with a new seal.\nRegards, Ada"
)


def weights(text: str) -> dict[str, float]:
    """Weight of each sentence by its first words, 0 where it does not count."""
    parsed = sentence_weights.split(text)
    return {
        text[start:end][:12]: weight
        for (start, end), weight in zip(parsed.spans, WEIGHER(parsed).tolist(), strict=True)
    }


@given(st.text())
def test_sentences_lie_in_order_within_the_text_and_hold_a_word(text: str) -> None:
    spans = sentence_weights.sentences(text)
    assert len(spans) <= sentence_weights.FIRST + sentence_weights.LAST
    ends = [0, *(place for span in spans for place in span)]
    assert ends == sorted(ends)
    assert ends[-1] <= len(text)
    assert all(sentence_weights.WORD.search(text[start:end]) for start, end in spans)


@given(st.text())
def test_weights_are_shares_of_the_highest(text: str) -> None:
    parsed = sentence_weights.split(text)
    found = WEIGHER(parsed)
    assert all(weight == 0 or sentence_weights.LEAST <= weight <= 1 for weight in found)
    assert not len(found) or max(found) == pytest.approx(1)
    buckets, values = sentence_weights.weighted_terms(parsed.sentence_terms, found)
    assert len(buckets) == len(values)
    assert not len(values) or float(values @ values) == pytest.approx(1, rel=1e-3)


@given(st.text())
def test_each_sentence_has_the_terms_that_it_would_have_alone(text: str) -> None:
    parsed = sentence_weights.split(text)
    assert (parsed.terms.words, *map(list, parsed.terms[1:])) == (
        (whole := hashed_words.terms(hashed_words.words(text))).words,
        *map(list, whole[1:]),
    )
    for place, (start, end) in enumerate(parsed.spans):
        alone = hashed_words.terms(hashed_words.words(text[start:end]))
        names = {*alone.codes, *alone.pairs, *alone.stems, *hashed_words.opening(alone.words[: hashed_words.OPENING])}
        assert [*parsed.sentence_terms.codes[parsed.sentence_terms.places == place]] == sorted(names)


def test_a_term_counts_by_the_highest_weight_of_its_sentences() -> None:
    parsed = sentence_weights.split("mend it. mend that. see them.")
    buckets, values = sentence_weights.weighted_terms(parsed.sentence_terms, np.array([0.2, 1, 0], np.float32))
    value = dict(zip(buckets.tolist(), values.tolist(), strict=True))
    mend, it, that, see = (
        hashed_words.terms([word]).codes[0] % hashed_words.BUCKETS for word in ("mend", "it", "that", "see")
    )
    assert value[mend] == value[that] == pytest.approx(5 * value[it])
    assert see not in value


@pytest.mark.parametrize(
    "text", [f"Translate this into Polish.\n\n{LETTER}", f"{LETTER}\n\nTranslate this into Polish."]
)
def test_the_request_outweighs_what_is_pasted_wherever_it_stands(text: str) -> None:
    found = weights(text)
    request = found.pop("Translate th")
    assert request == pytest.approx(1)
    assert np.mean(list(found.values())) < request / 2


def test_a_long_quotation_is_a_separate_sentence_and_a_short_one_is_not() -> None:
    text = 'Rephrase "the pump leaks at its lower valve" and keep "seal" as it is'
    assert [text[start:end] for start, end in sentence_weights.sentences(text)] == [
        "Rephrase ",
        "the pump leaks at its lower valve",
        ' and keep "seal" as it is',
    ]


def test_only_the_first_and_last_sentences_are_read() -> None:
    text = "\n".join(f"line {place}" for place in range(1_000))
    spans = sentence_weights.sentences(text)
    assert text[slice(*spans[0])] == "line 0"
    assert text[slice(*spans[-1])] == "line 999"
    assert len(spans) == sentence_weights.FIRST + sentence_weights.LAST


def test_where_a_sentence_stands_and_what_it_looks_like_are_features() -> None:
    text = "Is it up?\n\n{a=17}\nYES"
    rows = shapes(text, sentence_weights.sentences(text))
    assert rows.shape[1] == SHAPES
    assert rows[0][0] > 0
    assert rows[0][12] > 0
    assert rows[1][-4] > rows[0][-4]
    assert rows[1][-3] > 0
    assert rows[2][-2] > 0
