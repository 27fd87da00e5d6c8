from hypothesis import given
from hypothesis import strategies as st

from backends.cache.memory_tier import MemoryTier
from tests.backends.cache.samples import entry


def test_what_was_asked_for_again_outlives_what_was_not() -> None:
    front = MemoryTier(max_entries=2)
    a, b, c = entry("a"), entry("b"), entry("c")
    front.put(a)
    front.put(b)
    assert front.get(a.key) is a
    front.put(c)
    assert front.get(b.key) is None
    assert front.get(a.key) is a


def test_ten_thousand_prompts_that_come_once_push_nothing_out_that_is_used() -> None:
    front = MemoryTier(max_entries=100)
    used = [entry(f"used {number}") for number in range(50)]
    for each in used:
        front.put(each)
        front.get(each.key)
    for number in range(10_000):
        front.put(entry(f"once {number}"))
        front.get(used[number % 50].key)
    assert all(front.get(each.key) is each for each in used)
    assert len(front) == 100


def test_what_left_too_early_goes_straight_to_the_main_queue_when_it_is_back() -> None:
    front = MemoryTier(max_entries=10)
    early = entry("early")
    front.put(early)
    for number in range(12):
        front.put(entry(str(number)))
    assert front.get(early.key) is None
    front.put(early)
    for number in range(8):
        front.put(entry(f"later {number}"))
    assert front.get(early.key) is early


def test_what_was_hot_once_leaves_in_the_end() -> None:
    front = MemoryTier(max_entries=10)
    hot = entry("hot")
    front.put(hot)
    for _ in range(100):
        front.get(hot.key)
    for number in range(100):
        front.put(entry(str(number)))
        front.get(entry(str(number)).key)
    assert front.get(hot.key) is None


def test_a_newer_answer_takes_the_olders_place() -> None:
    front = MemoryTier()
    front.put(entry("a", text="x" * 900))
    front.put(entry("a", text="y"))
    assert len(front) == 1
    (kept,) = front
    assert kept.stored.text == "y"
    front.put(entry("a", text="z" * 9_000_000))
    assert len(front) == 0
    assert front.bytes == 0


def test_what_would_push_everything_out_is_not_kept() -> None:
    front = MemoryTier(max_bytes=10_000)
    front.put(entry("small"))
    front.put(entry("huge", text="x" * 5000))
    assert [kept.question for kept in front] == ["What is small?"]


def test_one_agent_can_be_forgotten() -> None:
    front = MemoryTier()
    front.put(entry("a", agent="ada"))
    front.put(entry("b", agent="scout"))
    front.drop_agent("ada")
    assert [kept.agent for kept in front] == ["scout"]
    front.drop_agent(None)
    assert len(front) == 0
    assert front.bytes == 0


@given(st.lists(st.tuples(st.sampled_from("abcdefgh"), st.integers(0, 3000))))
def test_it_stays_within_its_bounds(puts: list[tuple[str, int]]) -> None:
    front = MemoryTier(max_bytes=20_000, max_entries=5)
    for name, length in puts:
        front.put(entry(name, text="x" * length))
        assert front.bytes <= 20_000
        assert len(front) <= 5
    front.drop_agent(None)
    assert front.bytes == 0
