from hypothesis import given
from hypothesis import strategies as st

from backends.cache.memory_tier import MemoryTier, bytes_in_memory
from tests.backends.cache.samples import entry

MAX_BYTES = 16 * 1024 * 1024


def test_what_was_asked_for_again_outlives_what_was_not() -> None:
    memory = MemoryTier(MAX_BYTES, max_entries=2)
    a, b, c = entry("a"), entry("b"), entry("c")
    memory.put(a)
    memory.put(b)
    assert memory.get(a.key) is a
    memory.put(c)
    assert memory.get(b.key) is None
    assert memory.get(a.key) is a


def test_ten_thousand_prompts_that_come_once_push_nothing_out_that_is_used() -> None:
    memory = MemoryTier(MAX_BYTES, max_entries=100)
    used = [entry(f"used {number}") for number in range(50)]
    for each in used:
        memory.put(each)
        memory.get(each.key)
    for number in range(10_000):
        memory.put(entry(f"once {number}"))
        memory.get(used[number % 50].key)
    assert all(memory.get(each.key) is each for each in used)
    assert len(memory) == 100


def test_what_left_too_early_goes_straight_to_the_main_queue_when_it_is_back() -> None:
    memory = MemoryTier(MAX_BYTES, max_entries=10)
    early = entry("early")
    memory.put(early)
    for number in range(12):
        memory.put(entry(str(number)))
    assert memory.get(early.key) is None
    memory.put(early)
    for number in range(8):
        memory.put(entry(f"later {number}"))
    assert memory.get(early.key) is early


def test_what_was_hot_once_leaves_in_the_end() -> None:
    memory = MemoryTier(MAX_BYTES, max_entries=10)
    hot = entry("hot")
    memory.put(hot)
    for _ in range(100):
        memory.get(hot.key)
    for number in range(100):
        memory.put(entry(str(number)))
        memory.get(entry(str(number)).key)
    assert memory.get(hot.key) is None


def test_a_newer_answer_takes_the_olders_place() -> None:
    memory = MemoryTier(MAX_BYTES)
    memory.put(entry("a", text="x" * 900))
    memory.put(entry("a", text="y"))
    assert len(memory) == 1
    (kept,) = memory
    assert kept.stored.text == "y"
    memory.put(entry("a", text="z" * 9_000_000))
    assert len(memory) == 0
    assert memory.bytes == 0


def test_what_would_push_everything_out_is_not_kept() -> None:
    memory = MemoryTier(max_bytes=10_000)
    memory.put(entry("small"))
    memory.put(entry("huge", text="x" * 5000))
    assert [kept.question for kept in memory] == ["What is small?"]


def test_one_agent_can_be_forgotten() -> None:
    memory = MemoryTier(MAX_BYTES)
    memory.put(entry("a", agent="ada"))
    memory.put(entry("b", agent="scout"))
    memory.drop_agent("ada")
    assert [kept.agent for kept in memory] == ["scout"]
    memory.drop_agent(None)
    assert len(memory) == 0
    assert memory.bytes == 0


@given(st.lists(st.tuples(st.sampled_from("abcdefgh"), st.integers(0, 3000))))
def test_it_stays_within_its_bounds(puts: list[tuple[str, int]]) -> None:
    memory = MemoryTier(max_bytes=20_000, max_entries=5)
    for name, length in puts:
        memory.put(entry(name, text="x" * length))
        assert memory.bytes == sum(map(bytes_in_memory, memory)) <= 20_000
        assert len(memory) == len(list(memory)) <= 5
    memory.drop_agent(None)
    assert memory.bytes == 0
