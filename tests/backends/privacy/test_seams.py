"""What is split over the parts of one message, or over two lines, is read as one."""

import pytest

from backends.privacy import PrivacyGate
from backends.settings.privacy import Privacy
from backends.types import Message, Request

GATE = PrivacyGate(Privacy())


def in_parts(*texts: str) -> Request:
    seams = tuple(len("\n".join(texts[:count])) + 1 for count in range(1, len(texts)))
    return Request(id="r", messages=(Message(role="user", text="\n".join(texts), seams=seams),))


def kinds(request: Request) -> set[str]:
    return {finding.kind for finding in GATE.inspect(request, agent_sensitive=False).findings}


@pytest.mark.parametrize(
    ("texts", "kind"),
    [
        (("card 4539 1488", "0343 6467"), "card"),
        (("card 4539 14", "88 0343 6467 please"), "card"),
        (("card 45391488", "03436467"), "card"),
        (("4539", "1488", "0343", "6467"), "card"),
        (("4539 1488", " ", "0343 6467"), "card"),
        (("a long tale. " * 40 + "4539 1488", "0343 6467" + " and so on" * 40), "card"),
        (("DE12 5001 0517", "0648 4898 90"), "iban"),
        (("mail lena.brandt", "@webmail.net"), "email"),
        (("mail lena.brandt@", "webmail.net now"), "email"),
        (("mail lena.brandt@web", "mail.net now"), "email"),
        (("mail lena.brandt@webmail.", "net"), "email"),
        (("lena.brandt", "@web", "mail.net"), "email"),
        (("ghp_aB3dE5fG7hJ9kL2m", "N4pQ6rS8tU1vW3xY5z"), "api-key"),
        (("my password is", "7391847"), "password"),
        (("your verification code is", "482913"), "password"),
    ],
)
def test_what_parts_of_a_message_split_is_found(texts: tuple[str, ...], kind: str) -> None:
    assert kind in kinds(in_parts(*texts))


@pytest.mark.parametrize(
    "texts",
    [
        ("card 4539 1488", "0343 6468"),
        ("write to x@example.com", "Thanks a lot"),
        ("write to x@example.com.", "Thanks a lot"),
        ("log in as deploy@box", "requirements.txt is stale"),
        ("Hi", "@lena.brandt look at this"),
        ("thanks.", "@types.node is out"),
        ("from 2019 2020", "2021 2022 on"),
        ("", "what is new?"),
    ],
)
def test_parts_that_only_follow_one_another_pass(texts: tuple[str, ...]) -> None:
    assert kinds(in_parts(*texts)) == set()


def test_what_parts_split_cannot_be_redacted_so_it_stays() -> None:
    request = in_parts("lena.ortiz@webmail.net", "has card 1", "4539 1488", "0343 6467")
    verdict = GATE.inspect(request, agent_sensitive=False)
    assert GATE.redact(request, verdict) is None


def test_what_stands_whole_in_one_of_many_parts_can_be_redacted() -> None:
    request = in_parts("a1b2", "c3d4", "mail lena.ortiz@webmail.net", "e5f6")
    redaction = GATE.redact(request, GATE.inspect(request, agent_sensitive=False))
    assert redaction is not None
    assert redaction.request.messages[0].text == "a1b2\nc3d4\nmail [[EMAIL_1]]\ne5f6"


def test_a_redacted_message_has_no_seams_that_its_text_has_moved_from() -> None:
    request = in_parts("write to lena.ortiz@webmail.net", "and then to me")
    redaction = GATE.redact(request, GATE.inspect(request, agent_sensitive=False))
    assert redaction is not None
    assert redaction.request.messages == (Message(role="user", text="write to [[EMAIL_1]]\nand then to me"),)


@pytest.mark.parametrize(
    "text", ["card 4539 1488\n0343 6467", "card 4539-1488-\r\n  0343-6467.", "card 4539 1488 0343\n6467 ok"]
)
def test_a_card_over_two_lines_is_found(text: str) -> None:
    assert "card" in kinds(in_parts(text))


@pytest.mark.parametrize(
    "text",
    [
        "4539\n1488\n0343\n6467",
        "4539 1488\n0343 6467\n1201 7710",
        "1201 7710\n4539 1488\n0343 6467",
        "1 4539 1488\n2 0343 6467",
        "4539 1488 0343\n6467 1201 7710",
        "4539 1488\n\n0343 6467",
        "4539 1488\n0343 6468",
    ],
)
def test_columns_of_numbers_are_no_card(text: str) -> None:
    assert "card" not in kinds(in_parts(text))


def test_an_answer_is_no_rest_of_a_password_that_the_question_passes() -> None:
    for answer in ("Certainly! Here is how.", "Sure, I will."):
        messages = (Message(role="user", text="add a flag and pass to Repo"), Message(role="assistant", text=answer))
        assert kinds(Request(id="r", messages=messages)) == set()
