"""A body's messages: parts become one text that still says where they met."""

import msgspec
import pytest

from backends.gateway.openai_body import read
from backends.types import Message


def messages(content: object) -> tuple[Message, ...]:
    body = {"model": "auto", "messages": [{"role": "user", "content": content}]}
    return read(msgspec.json.encode(body)).messages


@pytest.mark.parametrize(
    ("texts", "whole", "seams"),
    [
        (["one"], "one", ()),
        (["one", "two"], "one\ntwo", (4,)),
        (["", "a", "", "bc"], "\na\n\nbc", (1, 3, 4)),
        ([], "", ()),
    ],
)
def test_parts_are_joined_and_their_seams_kept(texts: list[str], whole: str, seams: tuple[int, ...]) -> None:
    parts = [{"type": "text", "text": text} for text in texts]
    assert messages(parts) == (Message(role="user", text=whole, seams=seams),)


def test_a_plain_text_has_no_seams() -> None:
    assert messages("one\ntwo") == (Message(role="user", text="one\ntwo"),)
    assert messages(None) == (Message(role="user"),)
