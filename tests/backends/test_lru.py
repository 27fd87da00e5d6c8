"""A bounded dictionary forgets what was used least lately."""

from hypothesis import given
from hypothesis import strategies as st

from backends.lru import LruDict

STEPS = st.lists(st.tuples(st.sampled_from(("put", "use", "get")), st.integers(0, 5)), max_size=40)


@given(STEPS, st.integers(1, 4))
def test_the_last_used_are_kept_in_their_order(steps: list[tuple[str, int]], size: int) -> None:
    lru = LruDict[int, int](size)
    kept: list[int] = []
    for number, (step, key) in enumerate(steps):
        if step == "put":
            lru.put(key, number)
            kept = [*(each for each in kept if each != key), key][-size:]
        elif step == "use":
            assert (lru.use(key) is not None) == (key in kept)
            kept = [*(each for each in kept if each != key), key] if key in kept else kept
        else:
            assert (lru.get(key) is not None) == (key in kept)
    assert list(lru) == kept
