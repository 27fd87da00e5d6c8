import pytest
from hypothesis import given
from hypothesis import strategies as st

from backends.cache.equivalence.speech_act import languages_differ, speech_act, speech_acts_clash


@pytest.mark.parametrize(
    "sentence",
    [
        "is milk on my list?",
        "does the list have milk on it?",
        "hasn't the order been cancelled?",
        "hasn’t the order been cancelled?",
        "can you check if milk is on my list?",
        "please tell me whether the alarm is set",
        "did i book the table?",
    ],
)
def test_questions_of_yes_or_no(sentence: str) -> None:
    assert speech_act(sentence) == "whether"


@pytest.mark.parametrize(
    "sentence",
    [
        "add milk to my list",
        "could you please add milk?",
        "i'd like you to cancel the order",
        "milk should be added to my list",
        "the table needs to be booked",
        "the parcel must be sent",
        "hey, set an alarm for six",
    ],
)
def test_wishes_for_a_change(sentence: str) -> None:
    assert speech_act(sentence) == "change"


@pytest.mark.parametrize(
    "sentence",
    [
        "",
        "what is a mutex?",
        "how do i add milk to my list?",
        "do not cancel the order",
        "don't forget to set an alarm",
        "do you accept cheques?",
        "is it possible to cancel an order?",
        "is there a way to reset the counter?",
        "is milk on my list? if not, add it",
        "make a list of what is in the fridge",
        "i need to make a transfer, what will it cost?",
        "paying by card resulted in a fee",
    ],
)
def test_what_is_neither_or_both(sentence: str) -> None:
    assert speech_act(sentence) is None


def test_a_question_clashes_with_a_wish_only() -> None:
    assert speech_acts_clash("is the alarm set?", "set the alarm")
    assert speech_acts_clash("set the alarm", "is the alarm set?")
    assert not speech_acts_clash("is the alarm set?", "has the alarm been set?")
    assert not speech_acts_clash("set the alarm", "when does the alarm ring?")


def test_a_language_asked_for_must_be_in_the_other() -> None:
    assert languages_differ("explain it", "explain it in german")
    assert languages_differ("explain it in french", "explain it in german")
    assert not languages_differ("explain it in german", "a german explanation of it")
    assert not languages_differ("explain it", "explain it in detail")


@given(st.text(max_size=80), st.text(max_size=80))
def test_symmetric_and_never_against_itself(one: str, other: str) -> None:
    a, b = one.lower(), other.lower()
    assert speech_acts_clash(a, b) == speech_acts_clash(b, a)
    assert languages_differ(a, b) == languages_differ(b, a)
    assert not speech_acts_clash(a, a)
    assert not languages_differ(a, a)
