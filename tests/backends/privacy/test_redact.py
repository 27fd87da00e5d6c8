"""Placeholders: what they replace, what keeps a request here all the same, and how values are restored."""

import json
import re
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backends.privacy import PrivacyGate
from backends.privacy.detection import Detection
from backends.privacy.detectors.kinds import KINDS
from backends.privacy.redact import Redaction, Values, merged
from backends.privacy.restore import Restorer
from backends.privacy.text_window import TextWindow
from backends.settings.privacy import Privacy
from backends.types import Media, Message, Request, Tool, ToolCall

KEY = "ghp_aB3dE5fG7hJ9kL2mN4pQ6rS8tU1vW3xY5z"
MAIL = "lena.ortiz@webmail.net"
GATE = PrivacyGate(Privacy(words=("Project Nightjar",)))


def request(*texts: str, **more: Any) -> Request:
    return Request(id="r", messages=tuple(Message(role="user", text=text) for text in texts), **more)


def redacted(whole: Request) -> Redaction | None:
    return GATE.redact(whole, GATE.inspect(whole, agent_sensitive=False))


def sent(whole: Request) -> list[str]:
    redaction = redacted(whole)
    assert redaction is not None
    return [message.text for message in redaction.request.messages]


def test_a_value_has_one_placeholder_wherever_it_stands() -> None:
    first, second = sent(request(f"write to {MAIL} and ann@webmail.net", f"again {MAIL}, with {KEY}"))
    assert first == "write to [[EMAIL_1]] and [[EMAIL_2]]"
    assert second == "again [[EMAIL_1]], with [[API_KEY_1]]"


def test_the_operators_words_are_replaced_each_time() -> None:
    assert sent(request("Project Nightjar? project nightjar!")) == ["[[TERM_1]]? [[TERM_2]]!"]
    assert sent(request("about project\n  Nightjar")) == ["about [[TERM_1]]"]


def test_numbers_begin_after_those_that_the_request_itself_holds() -> None:
    assert sent(request(f"explain [[EMAIL_4]] and email_7 to {MAIL}")) == [
        "explain [[EMAIL_4]] and email_7 to [[EMAIL_8]]"
    ]


@pytest.mark.parametrize(
    "text",
    ["My card 4539578763621486, thanks", "card 4539 5787 6362 1486", "phone +49 151 53437436", "PIN 4831"],
)
def test_a_placeholders_number_reveals_nothing_of_its_value(text: str) -> None:
    (message,) = sent(request(text))
    assert "_1]]" in message
    assert re.search(r"_\d\d", message) is None


def test_a_value_is_replaced_even_where_nothing_around_it_looks_private() -> None:
    assert sent(request("my password is hunter22. Is hunter22 too short?", "or (hunter22), not hunter2222")) == [
        "my password is [[PASSWORD_1]]. Is [[PASSWORD_1]] too short?",
        "or ([[PASSWORD_1]]), not hunter2222",
    ]


def test_a_value_that_can_still_be_read_in_a_tools_name_keeps_the_request_here() -> None:
    assert redacted(request("my password is hunter22.", tools=(Tool(name="hunter22"),))) is None
    named = Tool(name="try", parameters={"properties": {"hunter22": {"type": "string"}}})
    assert redacted(request("my password is hunter22.", tools=(named,))) is None


def test_a_tools_description_and_the_texts_of_its_schema_are_replaced() -> None:
    schema = {"properties": {"to": {"type": "string", "default": MAIL, "enum": [MAIL, "nobody"]}}}
    tool = Tool(name="mail", description=f"writes to {MAIL} with {KEY}", parameters=schema)
    redaction = redacted(request("write to her", tools=(tool, Tool(name="other"))))
    assert redaction is not None
    changed, other = redaction.request.tools
    assert changed.description == "writes to [[EMAIL_1]] with [[API_KEY_1]]"
    assert changed.parameters["properties"]["to"] == {
        "type": "string",
        "default": "[[EMAIL_1]]",
        "enum": ["[[EMAIL_1]]", "nobody"],
    }
    assert other == Tool(name="other")


def test_an_address_is_replaced_from_its_street_to_its_place() -> None:
    assert sent(request("- Address: Lindenstraße 14, 10969 Berlin\n- Name: Lena")) == [
        "- Address: [[ADDRESS_1]]\n- Name: Lena"
    ]


def test_quotes_stay_so_that_json_stays_json() -> None:
    (text,) = sent(request('{"password": "Kanu!Blau77", "user": "app"}'))
    assert json.loads(text) == {"password": "[[PASSWORD_1]]", "user": "app"}


def test_names_and_arguments_of_tool_calls_are_replaced() -> None:
    call = ToolCall(id="1", name="mail", arguments=json.dumps({"to": [MAIL], "password": "Kanu!Blau77", "n": 3}))
    whole = Request(id="r", messages=(Message(role="assistant", name=f"{MAIL}.txt", tool_calls=(call,)),))
    redaction = redacted(whole)
    assert redaction is not None
    (message,) = redaction.request.messages
    assert message.name == "[[EMAIL_1]]"
    assert json.loads(message.tool_calls[0].arguments) == {"to": ["[[EMAIL_2]]"], "password": "[[PASSWORD_1]]", "n": 3}
    (back,) = Restorer(redaction.values).calls(message.tool_calls)
    assert json.loads(back.arguments) == json.loads(call.arguments)


def test_broken_arguments_are_replaced_as_text() -> None:
    call = ToolCall(id="1", name="mail", arguments=f'{{"to": "{MAIL}')
    whole = Request(id="r", messages=(Message(role="assistant", tool_calls=(call,)),))
    redaction = redacted(whole)
    assert redaction is not None
    assert redaction.request.messages[0].tool_calls[0].arguments == '{"to": "[[EMAIL_1]]'


STAYS = {
    "nothing private": request("hello"),
    "an image": Request(
        id="r", messages=(Message(role="user", text=MAIL, media=(Media(media_type="image/png", data=b"x"),)),)
    ),
    "a name in a tool's schema": request(MAIL, tools=(Tool(name="f", parameters={KEY: {"type": "string"}}),)),
    "a value over two messages": request(MAIL, f"the key is {KEY[:20]}", KEY[20:]),
    "a call's id": Request(
        id="r",
        messages=(Message(role="assistant", text=MAIL, tool_calls=(ToolCall(id=KEY, name="f", arguments="{}"),)),),
    ),
    "a number in arguments": Request(
        id="r",
        messages=(
            Message(
                role="assistant",
                text=MAIL,
                tool_calls=(ToolCall(id="1", name="pay", arguments='{"card": 4539578763621486}'),),
            ),
        ),
    ),
}


@pytest.mark.parametrize("why", STAYS)
def test_what_placeholders_cannot_hide_keeps_the_request_here(why: str) -> None:
    assert redacted(STAYS[why]) is None


def test_a_detector_that_breaks_keeps_the_request_here() -> None:
    def broken(window: TextWindow) -> list[Detection]:
        raise TimeoutError

    whole = request(MAIL)
    verdict = GATE.inspect(whole, agent_sensitive=False)
    assert GATE.redact(whole, verdict) is not None
    assert PrivacyGate(Privacy(), detectors=(broken,)).redact(whole, verdict) is None


def test_where_a_text_uses_up_the_numbers_the_request_stays_here() -> None:
    """A placeholder with a longer number would not be restored."""
    assert redacted(request("write to lena.ortiz@webmail.net, not to EMAIL_9999999")) is None
    whole = redacted(request("write to lena.ortiz@webmail.net, not to EMAIL_99999999999"))
    assert whole is not None
    assert whole.request.messages[0].text == "write to [[EMAIL_1]], not to EMAIL_99999999999"


def test_values_show_in_no_repr() -> None:
    redaction = redacted(request(f"{MAIL} {KEY}"))
    assert redaction is not None
    assert MAIL not in repr(redaction)
    assert KEY not in repr(redaction)
    assert len(redaction.values) == 2


def test_overlapping_detections_are_one_stretch_of_the_longest_kind() -> None:
    found = [("email", 4, 9), ("connection-string", 0, 7), ("phone", 20, 22), ("card", 9, 10)]
    stretches = [("connection-string", 0, 9), ("card", 9, 10), ("phone", 20, 22)]
    assert list(merged(Detection(*each) for each in found)) == stretches


VALUES = Values({("EMAIL", 1): MAIL, ("EMAIL", 12): "ann@x.net", ("API_KEY", 1): KEY, ("PASSWORD", 1): 'a"b\\c\nd'})

FORGIVEN = (
    "[[EMAIL_1]]",
    "[EMAIL_1]",
    "[[email_1]]",
    "[[Email 1]]",
    "[[ EMAIL_1 ]]",
    r"\[\[EMAIL\_1\]\]",
    "[[EMAIL-1]]",
    "EMAIL_1",
    "[[**EMAIL_1**]]",
    "[[`EMAIL_1`]]",
    "[[EMAIL_1\n]]",
    "［［EMAIL_1］］",
    "【EMAIL_1】",
)


@pytest.mark.parametrize("written", FORGIVEN)
def test_a_placeholder_that_the_model_changed_a_little_is_restored(written: str) -> None:
    assert restored([f"Dear {written}, hello"]) == f"Dear {MAIL}, hello"


@pytest.mark.parametrize(
    "text",
    [
        "[[EMAIL_2]]",
        "[[PHONE_1]]",
        "email 1",
        "EMAIL_123",
        "MY_EMAIL_1x",
        "see [1] and [EMAIL]",
        "[[EMAIL_",
        "a[[",
        "\\",
    ],
)
def test_nothing_else_is_taken_for_one(text: str) -> None:
    assert restored([text]) == text
    assert restored(list(text)) == text


def restored(pieces: list[str]) -> str:
    restorer = Restorer(VALUES)
    return "".join([*(restorer.feed(piece) for piece in pieces), restorer.rest()])


words = st.lists(
    st.sampled_from(
        [*FORGIVEN, "[[API_KEY_1]]", "[[EMAIL_12]]", "[", "]", "API", "_", "1", "１", " ", "\\", "so", "[[", "x]"]
    ),
    max_size=12,
).map(" ".join)


@given(text=words | words.map(lambda text: text.replace(" ", "")), cuts=st.lists(st.integers(0, 80), max_size=8))
def test_wherever_a_stream_is_cut_the_answer_is_the_same(text: str, cuts: list[int]) -> None:
    places = [0, *sorted(min(cut, len(text)) for cut in cuts), len(text)]
    pieces = [text[start:end] for start, end in pairwise(places)]
    assert restored(pieces) == restored([text])


def test_placeholders_that_were_never_given_out_are_counted() -> None:
    restorer = Restorer(VALUES)
    text = "[[EMAIL_1]], [[EMAIL_2]], [[Email 2]], 【PHONE_9】 and PHONE_8"
    assert restorer.feed(text) + restorer.rest() == text.replace("[[EMAIL_1]]", MAIL)
    assert restorer.unknown == 2


def test_what_can_be_no_placeholder_is_not_kept_back() -> None:
    restorer = Restorer(VALUES)
    assert restorer.feed("hello ") == "hello "
    assert restorer.feed("[[EMA") == ""
    assert restorer.feed("IL_1]] you") == f"{MAIL} you"
    assert Restorer(None).feed("[[EMA") == "[[EMA"


def test_values_in_tool_calls_are_escaped_for_json() -> None:
    calls = (ToolCall(id="1", name="f", arguments='{"p": "[[PASSWORD_1]]"}'),)
    assert json.loads(Restorer(VALUES).calls(calls)[0].arguments) == {"p": 'a"b\\c\nd'}
    assert Restorer(None).calls(calls) == calls


pieces = st.lists(
    st.sampled_from(
        [MAIL, KEY, "+49 151 53437436", "4539 5787 6362 1486", "DB_PASSWORD=Kanu!Blau77", "hello", "[[", "\n"]
    ),
    max_size=8,
).map(" ".join)


@given(pieces)
def test_restoring_what_was_sent_gives_the_text_back(text: str) -> None:
    redaction = redacted(request(text))
    if redaction is None:
        return
    (message,) = redaction.request.messages
    restorer = Restorer(redaction.values)
    assert restorer.feed(message.text) + restorer.rest() == text
    for value in (MAIL, KEY, "53437436", "6362", "Kanu!"):
        assert value not in message.text


OF_EACH_KIND = {
    "email": MAIL,
    "api-key": KEY,
    "phone": "(02) 8123 4567",
    "card": "4539 5787 6362 1486",
    "iban": "DE44 5001 0517 5407 3249 31",
    "national-id": "529-83-4417",
    "passport": "passport no. C01X00T47",
    "address": "14 Crown Street\nLeeds\nLS6 2AB",
    "password": "DB_PASSWORD=Kanu!Blau77",
    "connection-string": "postgres://app:Kanu_Blau77@db.prod.net/x",
    "private-key": "-----BEGIN RSA PRIVATE KEY-----\nMIIEow8sK2lPq9Zx7Cv5Bn3Mm1\n",
    "jwt": "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiI4ODQyMSIsInIiOiJhIn0.Qm7xT2pLk9",
    "aws-key": "AKIAQ7Z5X3C1V9B7N5M4",
    "word": "Project Nightjar",
}


def test_each_kind_that_needs_no_setting_is_restored() -> None:
    assert {kind.name for kind in KINDS.values()} - set(OF_EACH_KIND) == {"pattern", "internal-host"}


@given(st.permutations(sorted(OF_EACH_KIND)), st.lists(st.integers(0, 900), max_size=12))
def test_each_kind_comes_back_wherever_the_stream_is_cut(kinds: list[str], cuts: list[int]) -> None:
    text = "\n\n".join(f"so: {OF_EACH_KIND[kind]}\n" for kind in kinds)
    redaction = redacted(request(text))
    assert redaction is not None
    assert len(redaction.values) >= len(kinds) - 1
    (message,) = redaction.request.messages
    places = [0, *sorted(min(cut, len(message.text)) for cut in cuts), len(message.text)]
    restorer = Restorer(redaction.values)
    pieces = [restorer.feed(message.text[start:end]) for start, end in pairwise(places)]
    assert "".join([*pieces, restorer.rest()]) == text


turn_texts = st.lists(
    st.sampled_from(
        [
            MAIL,
            "ann@webmail.net",
            KEY,
            "+49 151 53437436",
            "DB_PASSWORD=Kanu!Blau77",
            "token 12",
            "hello",
            "phone 7",
            "\n",
        ]
    ),
    min_size=1,
    max_size=5,
).map(" ".join)
turns_of_an_agent = st.lists(
    st.builds(Message, role=st.just("user"), text=turn_texts)
    | turn_texts.map(
        lambda text: Message(
            role="assistant", tool_calls=(ToolCall(id="1", name="f", arguments=json.dumps({"text": text})),)
        )
    ),
    min_size=2,
    max_size=6,
)


@given(turns_of_an_agent, turn_texts)
def test_what_was_sent_before_is_the_beginning_of_what_is_sent_now(turns: list[Message], description: str) -> None:
    tools = (Tool(name="f", description=description),)
    before: tuple[Message, ...] = ()
    for count in range(1, len(turns) + 1):
        whole = Request(id="r", messages=tuple(turns[:count]), tools=tools)
        redaction = redacted(whole)
        sent_now = whole.messages if redaction is None else redaction.request.messages
        if redaction is None and GATE.inspect(whole, agent_sensitive=False).sensitive:
            return  # it stays here
        assert sent_now[: len(before)] == before
        before = sent_now


def test_where_a_later_text_holds_a_placeholder_itself_no_value_takes_its_name() -> None:
    first, second = sent(request(f"write to {MAIL}", "the template says [[EMAIL_1]]"))
    assert (first, second) == ("write to [[EMAIL_2]]", "the template says [[EMAIL_1]]")
    call = ToolCall(id="1", name="f", arguments='{"EMAIL_1": 5}')
    whole = Request(id="r", messages=(Message(role="user", text=MAIL), Message(role="assistant", tool_calls=(call,))))
    redaction = redacted(whole)
    assert redaction is not None and redaction.request.messages[0].text == "[[EMAIL_2]]"
