"""Which requests share a session."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from backends.envelope.session_name import LONGEST, run_name, session_name
from backends.types import Message, Request
from tests.backends.envelope.conversations import commands, conversation


def key(text: str) -> str:
    return f"{hash(text) & (1 << 64) - 1:016x}{'0' * 16}"


def name(request: Request) -> str:
    return session_name(request, key)


def test_a_client_names_its_session() -> None:
    assert name(replace(conversation(), session="7d3f-22")) == "7d3f-22"


def test_a_name_that_may_be_private_or_is_too_long_is_hashed() -> None:
    for own in ("telegram:+4915112345678", "bob@example.org", "x" * 200, "two words"):
        found = name(replace(conversation(), session=own))
        assert own not in found
        assert len(found) == 16
        assert found != name(replace(conversation(agent="writer"), session=own))


@given(st.text(min_size=1, max_size=300))
def test_any_name_is_kept_or_hashed_and_never_refused(given_name: str) -> None:
    request = replace(conversation(), session=given_name, run=given_name)
    for safe in (name(request), run_name(request, key)):
        assert 1 <= len(safe) <= LONGEST
        assert safe.isascii()
        assert safe.isprintable()
        assert not set(safe) & set(" @+")
        assert safe == given_name or len(safe) == 16


@pytest.mark.parametrize("number", ["+4915153437436", "015153437436", "DE89370400440532013000", "4539578763621486"])
def test_somebodys_number_is_hashed(number: str) -> None:
    for own in (number, f"agent:main:whatsapp:{number}"):
        request = replace(conversation(), session=own, run=own)
        assert number not in name(request) + run_name(request, key)


@pytest.mark.parametrize(
    "own", ["00000000-0000-4000-8000-000000000000", "agent:coding:weekly7", "ses_35eb9da047ea801eded09b5"]
)
def test_an_id_is_kept(own: str) -> None:
    request = replace(conversation(), session=own, run=own)
    assert (name(request), run_name(request, key)) == (own, own)


def test_a_run_without_a_name_has_none_and_one_is_the_same_for_all_its_agents() -> None:
    assert run_name(conversation(), key) == ""
    private = "jan.nowak@example.org"
    names = {run_name(replace(conversation(agent=agent), run=private), key) for agent in ("coding", "writer")}
    assert len(names) == 1
    assert "nowak" not in names.pop()


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


def test_surroundings_that_a_client_has_confirmed_first_are_not_the_first_ask() -> None:
    def after_set_up(ask: str, *later: Message) -> str:
        set_up = "This is the Qwen Code. We are setting up the context for our chat.\nMy operating system is: linux"
        opening = (
            Message(role="system", text="You are Qwen Code, an interactive agent."),
            Message(role="user", text=set_up),
            Message(role="assistant", text="Got it. Thanks for the context!"),
            Message(role="user", text=ask),
        )
        return name(Request(id="r", messages=opening + later))

    assert after_set_up("one") != after_set_up("two")
    assert after_set_up("one", Message(role="assistant", text="Done."), Message(role="user", text="two")) == (
        after_set_up("one")
    )


def test_examples_and_reminders_of_a_client_are_not_the_first_ask() -> None:
    reminder = "\n\nTo suggest changes to a file you MUST return the entire content of the updated file.\nNo less."

    def behind_examples(*said: str) -> str:
        examples = (
            Message(role="system", text="Take requests for changes. You MUST use this *file listing* format."),
            Message(role="user", text="Make the button green"),
            Message(role="assistant", text="Done."),
            Message(role="user", text="I switched to a new code base. Forget the files above."),
            Message(role="assistant", text="Ok."),
        )
        later = (Message(role="assistant" if at % 2 else "user", text=text) for at, text in enumerate(said))
        return name(Request(id="r", messages=(*examples, *later)))

    assert behind_examples(f"one{reminder}") != behind_examples(f"two{reminder}")
    assert behind_examples(f"one{reminder}") == behind_examples("one", "Done.", f"two{reminder}")


def test_a_conversation_that_its_client_has_shortened_keeps_its_name() -> None:
    def named(session: str, program: str) -> str:
        return name(replace(conversation(), session=session, user_agent=program))

    assert {named(each, "openclaw/1") for each in ("7d3f", "7d3f:0", "7d3f:12")} == {"7d3f"}
    assert named("7d3f:0", "other/1") == "7d3f:0"
