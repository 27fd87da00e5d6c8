"""Which requests share a session."""

from msgspec.structs import replace

from backends.envelope.session_name import session_name
from backends.types import Message, Request
from tests.backends.envelope.conversations import commands, conversation


def key(text: str) -> str:
    return f"{hash(text) & (1 << 64) - 1:016x}{'0' * 16}"


def name(request: Request) -> str:
    return session_name(request, key)


def test_a_client_names_its_session() -> None:
    assert name(replace(conversation(), session="7d3f-22")) == "7d3f-22"


def test_a_name_that_may_be_private_or_is_too_long_is_hashed() -> None:
    for given in ("telegram:+4915112345678", "bob@example.org", "x" * 200, "two words"):
        found = name(replace(conversation(), session=given))
        assert given not in found
        assert len(found) == 16
        assert found != name(replace(conversation(agent="writer"), session=given))


def test_a_conversation_keeps_its_name_as_it_grows() -> None:
    first = conversation()
    assert name(conversation(commands(("ls", "a"), ("cat a", "b")))) == name(first)
    grown = (Message(role="assistant", text="Done."), Message(role="user", text="And now the tests"))
    assert name(conversation(grown)) == name(first)


def test_agents_and_first_asks_distinguish_conversations() -> None:
    names = {name(conversation(ask=ask, agent=agent)) for ask in ("one", "two") for agent in ("coding", "writer")}
    assert len(names) == 4


def test_a_system_text_that_changes_further_down_or_in_its_time_changes_no_name() -> None:
    def at(time: str, memory: str) -> str:
        system = Message(role="system", text=f"You are careful. It is 2026-11-30 {time}.{' ' * 600}{memory}")
        return name(Request(id="r", messages=(system, Message(role="user", text="hello"))))

    assert at("12:00:01", "Bob likes tea") == at("12:05:09", "Bob likes coffee")


def test_blocks_that_every_request_begins_with_are_not_the_first_ask() -> None:
    def after_block(ask: str) -> str:
        block = Message(role="user", text="<environment_context>\n/home/me\n</environment_context>")
        return name(Request(id="r", messages=(block, Message(role="user", text=ask))))

    assert after_block("one") != after_block("two")
