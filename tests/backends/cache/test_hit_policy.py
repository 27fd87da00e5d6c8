from hypothesis import given
from hypothesis import strategies as st

from backends.cache.hit_policy import PRIOR, may_serve

RECORD = st.lists(st.tuples(st.floats(0, 1), st.booleans()), max_size=60)


def test_without_a_record_an_entry_serves() -> None:
    assert may_serve(0.5, [], risk=0.01)
    assert may_serve(0.5, [(0.4, True), (0.9, True)], risk=0.01)


def test_one_wrong_hit_closes_an_entry_up_to_its_score() -> None:
    record = [(0.93, False), (0.97, True)]
    assert not may_serve(0.93, record, risk=0.01)
    assert not may_serve(0.80, record, risk=0.01)
    assert may_serve(0.94, record, risk=0.01)


def test_right_hits_at_that_score_or_above_open_it_again() -> None:
    assert not may_serve(0.93, [(0.93, False), *[(0.95, True)] * 73], risk=0.01)
    assert may_serve(0.93, [(0.93, False), *[(0.95, True)] * 74], risk=0.01)
    assert not may_serve(0.93, [(0.93, False), *[(0.90, True)] * 500], risk=0.01)
    assert may_serve(0.93, [(0.93, False)], risk=0.05)


@given(st.floats(0, 1), RECORD, st.floats(0.001, 0.2))
def test_what_is_served_is_within_the_stated_bound(score: float, record: list[tuple[float, bool]], risk: float) -> None:
    above = [right for scored, right in record if scored >= score]
    if may_serve(score, record, risk=risk) and not all(above):
        assert (PRIOR * risk / 2 + above.count(False)) / (PRIOR + len(above)) <= risk


@given(st.floats(0, 1), RECORD, st.floats(0, 1))
def test_a_wrong_hit_never_opens_an_entry(score: float, record: list[tuple[float, bool]], at: float) -> None:
    if not may_serve(score, record, risk=0.02):
        assert not may_serve(score, [*record, (at, False)], risk=0.02) or at < score
