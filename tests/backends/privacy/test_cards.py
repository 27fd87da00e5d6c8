"""Cards in odd groupings are found; sums, tables and paths with a fitting digit are not."""

from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backends.privacy.detectors.cards import find
from backends.privacy.detectors.checksums import luhn
from backends.privacy.text_window import TextWindow

CARD: Final = "4539578763621486"


def found(text: str) -> list[str]:
    return [text[start:end] for _, start, end in find(TextWindow(text))]


def fours(sign: str) -> str:
    return sign.join(CARD[at : at + 4] for at in range(0, 16, 4))


@pytest.mark.parametrize("sign", ["", " ", "-", ".", ",", "·", "_", "/", "\t"])
@pytest.mark.parametrize(
    "frame", ["{}", "pay with {} please", "it is {}.", '{{"pan": "{}"}}', "({})", "{}, 12/29", "n:{};"]
)
def test_groups_of_four_are_found_with_any_sign(sign: str, frame: str) -> None:
    number = fours(sign)
    assert number in found(frame.format(number))


@pytest.mark.parametrize(
    "number",
    [
        "453957 876362 1486",
        "45 39 57 87 63 62 14 86",
        "4539 578763 621486",
        "45395787\n63621486",
        "4539\n5787\n6362\n1486",
        "4 5 3 9 5 7 8 7 6 3 6 2 1 4 8 6",
    ],
)
def test_beside_the_word_any_groups_are_found(number: str) -> None:
    assert found(f"my card: {number} ok") == [number]


@pytest.mark.parametrize("issuer", ["6304", "5018", "0604", "1800", "2131", "6759"])
@given(digits=st.text("0123456789", min_size=7, max_size=12))
def test_beside_the_word_any_issuer_and_length_is_found(issuer: str, digits: str) -> None:
    number = next(f"{issuer}{digits}{check}" for check in range(10) if luhn(f"{issuer}{digits}{check}"))
    assert found(f"the debit card {number} is lost") == [number]


@pytest.mark.parametrize(
    "text",
    [
        "0.4539578763621486 and 4,539,578,763,621,486",
        "/srv/4539/5787/6362/1486/x.png and a_4539_5787_6362_1486",
        "4539-5787-6362-1487 is mistyped",
        "4242 4242 4242 4242 is for tests",
        "4539 5787 6362 1486 1201 7710 3300 4102 5510 6621 7732 8843",
        "97 77 38 9 51 61 37 20 68 47 65 21 53 82 85 96 62 65 35 4",
        "630427373391 rows",
        "2140\n2142\n2143\n2144\n2155\n2208\n2229\n2230\n2238\n2260\n2436\n2437",
        "DE44 4539 5787 6362 1486",
    ],
)
def test_other_numbers_are_no_cards(text: str) -> None:
    assert found(text) == []


def test_cards_in_a_list_are_found_one_by_one() -> None:
    second = "4916 3384 1234 5679"
    assert found(f"{fours(' ')}\n{second}\n") == [fours(" "), second]
