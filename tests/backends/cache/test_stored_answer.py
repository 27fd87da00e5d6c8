from hypothesis import given
from hypothesis import strategies as st

from backends.cache.stored_answer import PIECE, CacheHit, age, pieces, streamed
from tests.backends.cache.samples import stored

LONG = "Words that an answer has in it, one after another. " * 40


@given(st.text(), st.integers(1, 100))
def test_pieces_are_the_text(text: str, size: int) -> None:
    assert "".join(pieces(text, size)) == text


def test_a_long_answer_comes_in_many_pieces_of_whole_words() -> None:
    found = list(pieces(LONG))
    assert len(found) > 20
    assert all(len(piece) >= PIECE and piece.endswith(" ") for piece in found[:-1])


async def test_a_paced_stream_is_the_text_and_keeps_the_deadline() -> None:
    text = LONG[:400]
    assert "".join([piece async for piece in streamed(text, tokens_per_s=0.01, within_s=0.2)]) == text
    assert len([piece async for piece in streamed(text, tokens_per_s=1e6, within_s=10)]) > 50


def test_where_an_answer_came_from_in_words() -> None:
    hit = CacheHit(
        tier="semantic",
        stored=stored(request_id="r1"),
        age_s=7300,
        similarity=0.934,
        score=0.9,
        entry="0123456789ab",
        agent="ada",
    )
    first, second = hit.reasons()
    assert (first.rule, first.detail) == ("cache", "semantic, similarity 0.93, saved $0.000123")
    assert (second.rule, second.detail) == ("cache entry", "0123456789ab, 2 h old, asked by ada, in r1")
    assert [age(seconds) for seconds in (3.9, 180, 86_400 * 40.5)] == ["3 s", "3 min", "40 d"]
