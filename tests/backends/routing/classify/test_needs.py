"""Needs from words and from the request: what is asked for, not what is merely mentioned."""

import pytest

from backends.routing.classify.needs import LONG, needs
from backends.types import Envelope, Media, Message, Need, Request, ResponseFormat, Tool


def of(text: str, intent: str = "chat") -> frozenset[Need]:
    return needs(Request(id="r", messages=(Message(role="user", text=text),)), text, intent)


def test_what_the_request_carries_is_needed() -> None:
    request = Request(
        id="r",
        messages=(Message(role="user", text="look", media=(Media(media_type="image/png", data=b"x"),)),),
        tools=(Tool(name="f"),),
        tool_choice="required",
        response_format=ResponseFormat(kind="json"),
    )
    assert needs(request, "look", "chat") == {"vision", "tools", "json"}


def test_a_long_ask_needs_a_long_window() -> None:
    assert "long-context" in of("word, " * LONG)


def test_an_envelope_needs_nothing() -> None:
    seen = Message(role="user", text="what is this", media=(Media(media_type="image/png", data=b"x"),))
    messages = (Message(role="system", text="word, " * LONG), seen, Message(role="user", text="thanks"))
    request = Request(id="r", messages=messages, tools=(Tool(name="f"),), envelope=Envelope(ask="thanks", message=2))
    assert needs(request, "thanks", "chat") == frozenset()


@pytest.mark.parametrize(
    ("text", "needed"),
    [
        ("List the names as JSON", True),
        ("One JSON object per row, please", True),
        ("Follow this schema: name, age", True),
        ('Return {"people": [], "places": []}', True),
        ('{"op": "shorten", "text": "a long story"}', True),
        ('{"text": "Ana is CFO"} -> person, role', True),
        ("check package.json for old dependencies", False),
        ("parse this JSON and tell me what is wrong", False),
        ("attach the json to the ticket", False),
        ("if (x) { go(); } never ends", False),
        ("good morning", False),
    ],
)
def test_json_is_needed_where_it_is_to_come_out(text: str, needed: bool) -> None:
    assert ("json" in of(text)) is needed


@pytest.mark.parametrize(
    ("text", "needed"),
    [
        ("what does the attached photo say", True),
        ("Scan of a receipt (attached). Date and total?", True),
        ("read the number on the picture of this label, on the photo it is blurred", True),
        ("paint me a picture of the market", False),
        ("explain image compression", False),
    ],
)
def test_vision_is_needed_for_what_is_attached(text: str, needed: bool) -> None:
    assert ("vision" in of(text)) is needed


@pytest.mark.parametrize(
    ("text", "needed"),
    [
        ("Condense these sixty pages", True),
        ("the 140-page register follows", True),
        ("about 60k tokens of minutes", True),
        ("refactor the attached 2,400 line module", True),
        ("a 300 Seiten Gutachten", True),
        ("page 3 please", False),
        ("write 1,200 words", False),
    ],
)
def test_a_long_window_is_needed_where_length_is_named(text: str, needed: bool) -> None:
    assert ("long-context" in of(text)) is needed


@pytest.mark.parametrize(
    ("text", "intent", "needed"),
    [
        ("is nginx up?", "health-check", True),
        ("last heartbeat of scout", "health-check", True),
        ("cpu 12%, ram 60%, ok?", "health-check", False),
        ("gpu 88C. fine?", "health-check", False),
        ("scout 4, intel 9, ada 600: who is dead", "health-check", False),
        ("restart nginx", "tool-use", True),
        ("restart nginx", "chat", False),
    ],
)
def test_a_state_that_the_prompt_does_not_hold_needs_tools(text: str, intent: str, needed: bool) -> None:
    assert ("tools" in of(text, intent)) is needed


@pytest.mark.parametrize(
    ("text", "intent", "needed"),
    [
        ("who sells induction hobs with a battery?", "research", True),
        ("origin of the word deadline", "research", False),
        ("history of this firm and who owns it today", "research", True),
        ("what's rising among home labs", "trend-analysis", True),
        ("rising or falling: 12, 14, 19, 31, 44", "trend-analysis", False),
        ("what's rising among home labs", "chat", False),
    ],
)
def test_todays_facts_are_needed_by_what_looks_at_the_world(text: str, intent: str, needed: bool) -> None:
    assert ("fresh" in of(text, intent)) is needed


def test_material_in_the_middle_names_no_need() -> None:
    assert of("Shorten this. " + "x " * 1_000 + "return json " + "y " * 1_000) == frozenset()
