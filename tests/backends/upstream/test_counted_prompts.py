"""What an engine has counted of a conversation bounds its next turn, so that less is reserved for it."""

from contextlib import aclosing
from decimal import Decimal
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from backends.engines.base import Call
from backends.settings.model import Settings
from backends.settings.money import Budget
from backends.types import ZERO, Done, Media, Message, Outcome, Request, Tool
from backends.upstream.prefix_cache import Prefix, PrefixMemory, prefixes
from backends.upstream.token_count import most, most_after
from tests.core import Stand, ask, policy, prompt, stand

ROLES = ("user", "assistant", "tool", "system")
messages = st.lists(st.builds(Message, role=st.sampled_from(ROLES), text=st.text(max_size=60)), max_size=6)
PICTURE = Media(media_type="image/png", data=b"x")
SYSTEM = Message(role="system", text='{"id": 17, "path": "/srv/app"}\n' * 300)


def call(*said: Message) -> Call:
    return Call(id="c", model="m", messages=said, max_output=10, input_tokens=1, first_byte_s=1.0, idle_s=1.0)


@given(messages, messages, st.data())
def test_the_bound_holds_whatever_an_engine_counts_of_each_message(
    read: list[Message], more: list[Message], data: st.DataObject
) -> None:
    true = [data.draw(st.integers(0, most(call(message)))) for message in (*read, *more)]
    known = Prefix(tokens=sum(true[: len(read)]), replica=0, at=0.0, messages=len(read), counted=True)
    whole = call(*read, *more)
    assert sum(true) <= most_after(whole, known) <= most(whole)


def test_where_files_were_read_nothing_is_known_of_the_next_ones() -> None:
    seen = Message(role="user", text="look", media=(PICTURE,))
    whole = call(seen, Message(role="user", text="again"))
    known = Prefix(tokens=1, replica=0, at=0.0, messages=1, counted=True)
    assert most_after(whole, known) == most(whole)
    assert most_after(call(SYSTEM, seen), known) < most(call(SYSTEM, seen))


def test_a_signature_of_earlier_thinking_is_counted_by_its_bytes() -> None:
    known = Prefix(tokens=10, replica=0, at=0.0, messages=1, counted=True)
    plain = Message(role="assistant", text="done")
    signed = replace(plain, signature="s" * 500)
    assert most_after(call(SYSTEM, signed), known) == most_after(call(SYSTEM, plain), known) + 500


def test_only_what_the_engine_counted_itself_is_found_however_long_ago() -> None:
    now = 0.0
    memory = PrefixMemory(lambda: now, size=10, seconds=60)
    short = prefixes(prompt("a"))
    long = prefixes(replace(prompt("a"), messages=(*prompt("a").messages, Message(role="assistant", text="b"))))
    memory.read("m", short, tokens=7, replica=0, counted=True)
    memory.read("m", long, tokens=9, replica=0)
    now = 1e6
    found = memory.counted("m", long)
    assert found is not None
    assert (found.tokens, found.messages) == (7, 1)
    assert memory.counted("other", long) is None


def test_another_schema_of_a_tool_is_another_beginning() -> None:
    one, other = (Tool(name="t", parameters={"type": kind}) for kind in ("object", "string"))
    assert prefixes(replace(prompt("a"), tools=(one,))) != prefixes(replace(prompt("a"), tools=(other,)))


async def reserved_for(it: Stand, request: Request) -> tuple[Decimal, Outcome]:
    """What is reserved while it runs, and how it ends."""
    async with aclosing(it.core.ask(request)) as stream:
        await anext(stream)
        held = (await it.budget()).reserved_usd
        async for chunk in stream:
            last = chunk
    assert isinstance(last, Done)
    return held, last.outcome


async def test_the_second_turn_reserves_what_was_counted_and_no_more_is_billed(home: Path) -> None:
    def change(settings: Settings) -> Settings:
        budgets = (Budget(limit_usd=Decimal(9), window="total"),)
        return policy(replace(settings, budgets=budgets), "ada", "cloud")

    async with stand(home, change=change) as it:
        first = prompt("list the files", agent="ada", cache=False)
        first = replace(first, messages=(SYSTEM, *first.messages))
        before, outcome = await reserved_for(it, first)
        then = (Message(role="assistant", text="two files"), Message(role="user", text="and their sizes?"))
        after, later = await reserved_for(it, replace(first, id="second", messages=(*first.messages, *then)))
        assert after < before - Decimal("0.0003")
        assert outcome.cost_usd <= before
        assert later.cost_usd <= after
        state = await it.budget()
        assert (state.overrun_usd, state.spent_usd) == (ZERO, outcome.cost_usd + later.cost_usd)


async def test_the_rest_of_a_budget_limits_the_answer_before_it_refuses(home: Path) -> None:
    def change(settings: Settings) -> Settings:
        budgets = (Budget(limit_usd=Decimal("0.002"), window="total", on_exceeded="refuse"),)
        return policy(replace(settings, budgets=budgets), "ada", "cloud")

    async with stand(home, change=change) as it:
        held, outcome = await reserved_for(it, prompt("hello there", agent="ada"))
        assert Decimal("0.0019") < held <= Decimal("0.002")
        (note,) = [note for note in outcome.notes if "budget" in note]
        assert note.startswith("answer limited to ")
        assert note.endswith(" tokens by the rest of the budget all")
        _, whole = await ask(it.core, prompt("hello there, again", agent="ada", engine="cloud"))
        assert whole.finish == "stop"
