"""Text that is filtered as it streams says the same however it is cut into pieces."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from backends.engines.gemini.text_filters import StopWords, Unfenced

LETTERS = st.text(alphabet="ab`\n {j", max_size=24)
CUTS = st.lists(st.integers(0, 24), max_size=8)


def pieces(text: str, cuts: list[int]) -> list[str]:
    marks = sorted({0, len(text), *(cut for cut in cuts if cut < len(text))})
    return [text[start:end] for start, end in pairwise(marks)]


def filtered(feed: StopWords | Unfenced, parts: list[str]) -> str:
    return "".join([feed.feed(part) for part in parts]) + feed.rest()


@given(LETTERS, CUTS, st.lists(st.text(alphabet="ab`", min_size=1, max_size=4), max_size=3))
def test_the_text_ends_before_the_first_stop_word(text: str, cuts: list[int], words: list[str]) -> None:
    said = filtered(StopWords(words), pieces(text, cuts))
    assert not any(word in said for word in words)
    found = [at for word in words if (at := text.find(word)) >= 0]
    if not found:
        assert said == text
        return
    assert text.startswith(said)
    # The word that is complete first ends the text: a longer one that began before it may still have been coming.
    _, start = min((at + len(word), at) for word in words if (at := text.find(word)) >= 0)
    assert len(said) <= start


@given(LETTERS, CUTS, st.lists(st.text(alphabet="ab", min_size=1, max_size=3), max_size=3))
def test_nothing_is_kept_back_that_cannot_begin_a_stop_word(text: str, cuts: list[int], words: list[str]) -> None:
    stops = StopWords(words)
    said = "".join(stops.feed(part) for part in pieces(text, cuts))
    assert stops.cut or len(text) - len(said) < max(map(len, words), default=1)


@given(LETTERS, CUTS)
def test_a_fence_is_left_out_however_it_comes(inner: str, cuts: list[int]) -> None:
    text = f"```json\n{inner}\n```\n"
    assert filtered(Unfenced(True), pieces(text, cuts)) == filtered(Unfenced(True), [text])


@given(LETTERS, CUTS)
def test_text_without_a_fence_stays(text: str, cuts: list[int]) -> None:
    whole = "x" + text
    assert filtered(Unfenced(True), pieces(whole, cuts)) == whole
    assert filtered(Unfenced(False), pieces(text, cuts)) == text
