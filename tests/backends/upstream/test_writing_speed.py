"""How fast an engine writes, usually and lately."""

from backends.upstream.writing_speed import CHARACTERS, WritingSpeed

TOKEN = "x" * int(CHARACTERS)


def written(speed: WritingSpeed, *, began: float, tokens: int, each_s: float) -> float:
    """One answer from its first text to its end, which is returned."""
    writing, now = None, began
    for number in range(tokens + 1):
        now = began + number * each_s
        writing = speed.wrote(writing, TOKEN, now)
    speed.ended(writing, now)
    return now


def warm() -> tuple[WritingSpeed, float]:
    """One that usually writes fifty tokens a second, and the time."""
    speed, now = WritingSpeed(), 100.0
    for _ in range(6):
        now = written(speed, began=now + 1, tokens=50, each_s=0.02)
    return speed, now


def test_before_five_answers_nothing_is_usual_and_nothing_slow() -> None:
    speed = WritingSpeed()
    now = written(speed, began=1.0, tokens=50, each_s=0.02)
    assert (speed.usual, speed.slow(now)) == (None, None)


def test_a_running_answer_tells_within_seconds_that_it_became_slow() -> None:
    speed, now = warm()
    assert speed.usual is not None
    assert round(speed.usual) == 50
    now += 60
    writing = None
    for number in range(10):
        writing = speed.wrote(writing, TOKEN, now + number / 3)
        if number / 3 < 2:
            assert speed.slow(now + number / 3) is None
    slow = speed.slow(now + 3)
    assert slow is not None
    assert 2.5 < slow < 3.5
    assert speed.slow_since(now + 3) == now
    speed.ended(writing, now + 3)
    assert speed.slow(now + 3) is not None
    assert speed.slow(now + 64) is None


def test_one_slow_answer_beside_a_fast_one_says_nothing() -> None:
    speed, now = warm()
    now += 60
    slow = speed.wrote(None, TOKEN, now)
    speed.wrote(slow, TOKEN, now + 3)
    now = written(speed, began=now + 1, tokens=150, each_s=0.02)
    assert speed.slow(now) is None


def test_answers_in_one_piece_tell_nothing() -> None:
    speed = WritingSpeed()
    for number in range(10):
        writing = speed.wrote(None, TOKEN * 50, float(number))
        speed.ended(writing, number + 5.0)
        written(speed, began=float(number), tokens=50, each_s=0.0)
    assert speed.usual is None
