import pytest

from backends.cache.equivalence.quantities import parse_quantities, unit_name


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("1,240", "1240"),
        ("twenty five", "25"),
        ("one hundred and five", "105"),
        ("two thousand", "2000"),
        ("1.5 million", "1500000"),
        ("5k", "5k"),
        ("90 seconds", "1.5 minutes"),
        ("3rd", "third"),
        ("$ 5", "5 dollars"),
        ("twice", "2"),
        ("noon", "12:00"),
        ("12 am", "midnight"),
        ("3:30 p.m.", "15:30"),
        ("may 1st, 2026", "1 may 2026"),
        ("the 2nd of june", "june 2"),
        ("16 gb", "16 gigabytes"),
        ("5k", "five thousand"),
        ("a dozen", "12"),
        ("weekly", "every 7 days"),
        ("once a week", "per week"),
        ("seven in the evening", "19:00"),
        ("this week's", "current week"),
        ("half an hour", "0.5 hours"),
        ("2026/03/01", "2026-03-01"),
        ("september 3 , 2008", "3 september 2008"),
        ("a fortnight ago, 1 fortnight", "a fortnight ago, 14 days"),
    ],
)
def test_one_quantity_has_one_spelling(one: str, other: str) -> None:
    assert parse_quantities(one)[0] == parse_quantities(other)[0] != {}


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("3.1", "3.10"),
        ("16 gb", "16 mb"),
        ("10 mbit", "10 mb"),
        ("5 km", "5 miles"),
        ("1 may 2026", "1 may 2025"),
        ("one", "eleven"),
        ("12 am", "12 pm"),
        ("per second", "per minute"),
        ("last week", "last month"),
        ("monday", "tuesday"),
    ],
)
def test_different_quantities_stay_apart(one: str, other: str) -> None:
    assert parse_quantities(one)[0] != parse_quantities(other)[0]


def test_the_other_words_stay_in_order() -> None:
    counts, words, _ = parse_quantities("show the top five agents of qwen2.5")
    assert words == ["show", "the", "top", "agents", "of", "qwen"]
    assert counts == {"5": 1, "2.5": 1}


def test_words_that_only_look_like_numbers_stay_words() -> None:
    assert parse_quantities("which one is it, and what a second")[0] == {}
    assert parse_quantities("one and done")[1] == ["and", "done"]


def test_a_unit_alone_has_a_name() -> None:
    assert unit_name("ms") == unit_name("milliseconds") != unit_name("microseconds")
    assert unit_name("us") is None
    assert unit_name("banana") is None


def test_a_version_before_a_unit_is_spelled_out() -> None:
    assert parse_quantities("3.11.2 seconds")[0] == {"3.11.2 s": 1}


@pytest.mark.parametrize(
    ("text", "quantities", "words"),
    [
        ("per second", {"every 1 s": 1}, []),
        ("each second", {"every 1 s": 1}, []),
        ("every second week", {"every 1 s": 1}, ["week"]),
        ("the second", {"2": 1}, ["the"]),
        ("per a", {}, ["per", "a"]),
        ("a hundred and", {"100": 1}, ["and"]),
    ],
)
def test_a_run_of_number_words_is_read_to_its_end(text: str, quantities: dict[str, int], words: list[str]) -> None:
    found = parse_quantities(text)
    assert (found.quantities, found.words) == (quantities, words)


def test_what_is_often_no_count_is_loose() -> None:
    assert parse_quantities("one of them, first of all, daily, last week").loose.keys() == {
        "1",
        "every 86400 s",
        "week -1",
    }
    assert parse_quantities("1 of them, two weeks").loose == {}
    assert parse_quantities("the first token").quantities == {"1": 1}
