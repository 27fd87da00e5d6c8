"""A verdict does not depend on where a text is cut: into messages, parts, arguments of calls, or the gate's windows.

What is promised: a value is found wherever its own characters are cut in two. Its name, if it is known by one
("password", "card"), stands whole on one side, and no more than 240 characters lie between the cut and either end. Not
promised: a name that is itself cut, a cut into three where the middle has no digit, and halves under different names of
arguments in different calls.
"""

import json
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backends.privacy import PrivacyGate
from backends.settings.privacy import Privacy
from backends.types import Message, Request, ResponseFormat, Sampling, Tool, ToolCall

GATE = PrivacyGate(Privacy(), entries=0)
PROSE = "The list of the ships that came in on Monday, as it was written down. "

SECRETS = {
    "api-key": ("please use ", "ghp_aB3dE5fG7hJ9kL2mN4pQ6rS8tU1vW3xY5z", " for it"),
    "aws-key": ("the id is ", "AKIAQ7RT5BX2KLM9WPZD", ""),
    "jwt": ("", "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiI4ODM3NDYyIiwicm9sZSI6Im9wcyJ9.q8Zr4Lw1Xt7Kd0Pm5Vb2Yn6Hs9Jf3Gc", ""),
    "connection-string": ("", "postgres://ops:kR7wq92mLx@db.corp-net.io", "/main"),
    "private-key": (
        "",
        f"-----BEGIN PRIVATE KEY-----\n{'MIIEvQIBADANBgkqhkiG9w0B' * 3}\n-----END PRIVATE KEY-----",
        "",
    ),
    "card": ("card ", "4539 1488 0343 6467", " please"),
    "iban": ("to ", "DE12 5001 0517 0648 4898 90", " today"),
    "national-id": ("ssn ", "529-83-4417", ""),
    "email": ("mail ", "lena.brandt@webmail.net", " now"),
    "phone": ("call ", "+49 171 5550 7321", " now"),
    "password": ("password: ", "Kanu!Blau77", " works"),
    "setting": ("DB_PASSWORD=", "kR7wq92mLx", "\n"),
    "code": ("your verification code is ", "482913", ""),
}


def user(text: str) -> Message:
    return Message(role="user", text=text)


def calls(*texts: str) -> tuple[ToolCall, ...]:
    given = [json.dumps({"path": "notes.txt", "content": text}) for text in texts]
    return tuple(ToolCall(id=f"c{place}", name="write", arguments=each) for place, each in enumerate(given))


CUTS: dict[str, Callable[[str, str], tuple[Message, ...]]] = {
    "two parts of a message": lambda a, b: (Message(role="user", text=f"{a}\n{b}", seams=(len(a) + 1,)),),
    "two messages": lambda a, b: (user(a), user(b)),
    "with an answer between": lambda a, b: (user(a), Message(role="assistant", text="go on"), user(b)),
    "two roles": lambda a, b: (user(a), Message(role="assistant", text=b)),
    "two calls of a message": lambda a, b: (Message(role="assistant", tool_calls=calls(a, b)),),
    "calls of two messages": lambda a, b: tuple(Message(role="assistant", tool_calls=calls(each)) for each in (a, b)),
    "two arguments": lambda a, b: (
        Message(role="assistant", tool_calls=(ToolCall(id="c", name="f", arguments=json.dumps({"a": a, "b": b})),)),
    ),
}

WHOLE: dict[str, Callable[[str], Request]] = {
    "message": lambda text: Request(id="r", messages=(user(text),)),
    "result of a tool": lambda text: Request(id="r", messages=(Message(role="tool", text=text, tool_call_id="c"),)),
    "argument": lambda text: Request(id="r", messages=(Message(role="assistant", tool_calls=calls(text)),)),
    "name": lambda text: Request(id="r", messages=(Message(role="user", text="see", name=text),)),
    "tool's description": lambda text: Request(
        id="r", messages=(user("hi"),), tools=(Tool(name="f", description=text),)
    ),
    "tool's schema": lambda text: Request(
        id="r", messages=(user("hi"),), tools=(Tool(name="f", parameters={"type": "object", "description": text}),)
    ),
    "answer's schema": lambda text: Request(
        id="r", messages=(user("hi"),), response_format=ResponseFormat(kind="schema", schema={"description": text})
    ),
    "stop word": lambda text: Request(id="r", messages=(user("hi"),), sampling=Sampling(stop=(text,))),
}


def is_sensitive(request: Request) -> bool:
    return GATE.inspect(request, agent_sensitive=False).sensitive


@pytest.mark.parametrize("part", WHOLE)
@pytest.mark.parametrize("kind", SECRETS)
def test_a_value_is_found_in_every_part_of_a_request(kind: str, part: str) -> None:
    assert is_sensitive(WHOLE[part]("".join(SECRETS[kind])))
    assert not is_sensitive(WHOLE[part](PROSE))


@settings(max_examples=300, deadline=None)
@given(st.sampled_from(sorted(SECRETS)), st.sampled_from(sorted(CUTS)), st.floats(0, 1), st.integers(0, 400))
def test_a_value_that_is_cut_in_two_is_found(kind: str, cut: str, share: float, prose: int) -> None:
    before, value, after = SECRETS[kind]
    at = max(1, min(len(value) - 1, round(share * len(value))))
    ahead, behind = (PROSE * 6)[-prose:] if prose else "", (PROSE * 6)[:prose]
    messages = CUTS[cut](f"{ahead}{before}{value[:at]}", f"{value[at:]}{after} {behind}")
    assert is_sensitive(Request(id="r", messages=messages))
    assert not is_sensitive(Request(id="r", messages=CUTS[cut](f"{ahead}{before}none", f"at all{after} {behind}")))


@settings(max_examples=80, deadline=None)
@given(st.sampled_from(sorted(SECRETS)), st.integers(0, 30_000), st.booleans())
def test_a_value_is_found_across_every_border_of_windows(kind: str, at: int, lines: bool) -> None:
    text = (PROSE.replace(". ", ".\n") if lines else PROSE) * 430
    secret = "".join(SECRETS[kind])
    found = GATE.inspect(WHOLE["message"](f"{text[:at]} {secret} {text[at:]}"), agent_sensitive=False).findings
    assert any(at < each.end and each.start < at + len(secret) + 2 for each in found)


@settings(max_examples=200, deadline=None)
@given(st.lists(st.sampled_from([*("".join(each) for each in SECRETS.values()), PROSE, "42", "ok"]), max_size=5))
def test_texts_that_are_whole_are_judged_alike_in_one_message_and_in_several(texts: list[str]) -> None:
    one = is_sensitive(WHOLE["message"]("\n\n".join(texts)))
    assert is_sensitive(Request(id="r", messages=tuple(map(user, texts)))) is one
    seams = tuple(len("\n\n".join(texts[:count])) + 2 for count in range(1, len(texts)))
    parted = Message(role="user", text="\n\n".join(texts), seams=seams)
    assert is_sensitive(Request(id="r", messages=(parted,))) is one


def test_what_two_texts_have_by_themselves_is_no_finding_between_them() -> None:
    key = SECRETS["api-key"][1]
    for neighbour in ("Then what?", "a token.", "look"):
        request = Request(id="r", messages=(user(f"TOKEN={key}"), user(neighbour)))
        assert len(GATE.inspect(request, agent_sensitive=False).findings) == 1
        redaction = GATE.redact(request, GATE.inspect(request, agent_sensitive=False))
        assert redaction is not None and redaction.request.messages[1].text == neighbour
