from hypothesis import given
from hypothesis import strategies as st

from backends.cache.front import Front
from tests.backends.cache.samples import entry


def test_the_least_recently_used_goes_first() -> None:
    front = Front(max_entries=2)
    a, b, c = entry("a"), entry("b"), entry("c")
    front.put(a)
    front.put(b)
    assert front.get(a.key) is a
    front.put(c)
    assert front.get(b.key) is None
    assert front.get(a.key) is a


def test_what_would_push_everything_out_is_not_kept() -> None:
    front = Front(max_bytes=10_000)
    front.put(entry("small"))
    front.put(entry("huge", text="x" * 5000))
    assert [kept.question for kept in front] == ["What is small?"]


def test_one_agent_can_be_forgotten() -> None:
    front = Front()
    front.put(entry("a", agent="ada"))
    front.put(entry("b", agent="scout"))
    front.drop_agent("ada")
    assert [kept.agent for kept in front] == ["scout"]
    front.drop_agent(None)
    assert len(front) == 0
    assert front.bytes == 0


@given(st.lists(st.tuples(st.sampled_from("abcdefgh"), st.integers(0, 3000))))
def test_it_stays_within_its_bounds(puts: list[tuple[str, int]]) -> None:
    front = Front(max_bytes=20_000, max_entries=5)
    for name, length in puts:
        front.put(entry(name, text="x" * length))
        assert front.bytes <= 20_000
        assert len(front) <= 5
    front.drop_agent(None)
    assert front.bytes == 0
