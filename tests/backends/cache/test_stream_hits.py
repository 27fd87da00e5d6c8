from benchmarks.training.stream_hits import Scored, play


def rows(*of: tuple[str, str]) -> list[dict[str, str]]:
    return [{"text": text, "group": group} for text, group in of]


def test_the_likeliest_of_the_nearest_answers() -> None:
    asked = rows(("one", "A"), ("two", "B"), ("either", "B"))
    scored = {("one", "either"): Scored(0.9, 0.6), ("two", "either"): Scored(0.8, 0.7)}
    assert play(asked, scored, 0.5) == {"rows": 3, "hits": 1, "wrong": 0, "possible": 1}
    assert play(asked, scored, 0.8) == {"rows": 3, "hits": 0, "wrong": 0, "possible": 1}


def test_a_hit_of_another_group_is_wrong_and_stores_nothing() -> None:
    asked = rows(("one", "A"), ("like one", "B"), ("like that", "B"))
    scored = {("one", "like one"): Scored(0.9, 0.9), ("like one", "like that"): Scored(0.9, 0.9)}
    assert play(asked, scored, 0.5) == {"rows": 3, "hits": 1, "wrong": 1, "possible": 1}


def test_only_the_four_nearest_are_looked_at() -> None:
    asked = rows(*((f"near {number}", f"{number}") for number in range(4)), ("far", "A"), ("asked", "A"))
    scored = {(f"near {number}", "asked"): Scored(0.9, 0.1) for number in range(4)}
    assert play(asked, scored | {("far", "asked"): Scored(0.8, 0.9)}, 0.5)["hits"] == 0


def test_what_asks_for_now_is_neither_served_nor_stored() -> None:
    asked = rows(("what is the time now", "A"), ("what is the time now", "A"))
    assert play(asked, {}, 0.5) == {"rows": 2, "hits": 0, "wrong": 0, "possible": 1}


def test_a_repeat_is_a_hit() -> None:
    assert play(rows(("one", "A"), ("one", "A")), {}, 1.0) == {"rows": 2, "hits": 1, "wrong": 0, "possible": 1}
