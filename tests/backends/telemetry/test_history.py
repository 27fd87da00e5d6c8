from hypothesis import given
from hypothesis import strategies as st

from backends.telemetry.history import History


def test_a_point_is_the_mean_of_its_step() -> None:
    history = History(step_s=10, points=3)
    assert history.advance(0) is None
    history.add("cpu", 10)
    history.add("cpu", None)
    history.add("cpu", 30)
    assert history.advance(9.9) is None
    assert history.advance(10) == {"cpu": 20}
    assert history.series() == {"cpu": (20,)}


def test_a_step_in_which_nothing_is_known_is_none_and_not_zero() -> None:
    history = History()
    history.advance(0)
    history.add("gpu", 5)
    history.advance(10)
    history.add("queue", None)
    assert history.advance(20) == {"gpu": None, "queue": None}


def test_after_a_pause_every_step_has_its_point() -> None:
    history = History(step_s=10, points=5)
    history.advance(0)
    history.add("cpu", 1)
    assert [history.advance(30) for _ in range(4)] == [{"cpu": 1}, {"cpu": None}, {"cpu": None}, None]


def test_a_pause_longer_than_the_series_begins_anew() -> None:
    history = History(step_s=10, points=5)
    history.advance(0)
    history.add("cpu", 1)
    assert history.advance(1000) is None
    assert history.advance(1010) == {"cpu": 1}


@given(st.lists(st.floats(0, 40), max_size=60))
def test_series_are_bounded_and_of_one_step(pauses: list[float]) -> None:
    history, now, told = History(step_s=10, points=4), 0.0, 0
    history.advance(now)
    for pause in pauses:
        now += pause
        history.add("x", now)
        while history.advance(now) is not None:
            told += 1
    assert len(history.series().get("x", ())) == min(told, 4)
    assert told == int(now // 10)
