from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from backends.cache import cache_key
from backends.types import Envelope, Media, Message, Request, ResponseFormat, Sampling, Span, SpanKind, Tool, ToolCall
from tests.backends.cache.samples import request

TOOL = Tool(name="look", description="looks", parameters={"type": "object", "properties": {"a": {}, "b": {}}})

CHANGES: dict[str, dict[str, Any]] = {
    "agent": {"agent": "scout"},
    "tools": {"tools": (TOOL,)},
    "tool choice": {"tool_choice": "none"},
    "format": {"response_format": ResponseFormat(kind="json")},
    "schema": {"response_format": ResponseFormat(kind="schema", schema={"type": "object"})},
    "temperature": {"sampling": Sampling(temperature=0.5)},
    "top_p": {"sampling": Sampling(top_p=0.5)},
    "seed": {"sampling": Sampling(seed=1)},
    "cap": {"sampling": Sampling(max_tokens=5)},
    "stop": {"sampling": Sampling(stop=("\n",))},
    "top_k": {"sampling": Sampling(top_k=5)},
    "min_p": {"sampling": Sampling(min_p=0.1)},
    "frequency penalty": {"sampling": Sampling(frequency_penalty=0.5)},
    "presence penalty": {"sampling": Sampling(presence_penalty=0.5)},
    "logit bias": {"sampling": Sampling(logit_bias=(("50256", -100.0),))},
    "effort": {"sampling": Sampling(effort="low")},
    "thinking budget": {"sampling": Sampling(thinking_budget=512)},
    "parallel tool calls": {"parallel_tool_calls": False},
    "strict schema": {"response_format": ResponseFormat(kind="json", strict=True)},
    "strict tool": {"tools": (replace(TOOL, strict=True),)},
    "a seed beyond what a float tells apart": {"sampling": Sampling(seed=2**53 + 1)},
    "system": {"messages": (Message(role="system", text="Rhyme."), Message(role="user", text="What is a mutex?"))},
    "image": {
        "messages": (
            Message(role="system", text="Be brief."),
            Message(role="user", text="What is a mutex?", media=(Media(media_type="image/png", data=b"x"),)),
        )
    },
    "earlier turn": {
        "messages": (
            Message(role="system", text="Be brief."),
            Message(role="user", text="Hello"),
            Message(role="assistant", tool_calls=(ToolCall(id="1", name="look", arguments="{}"),)),
            Message(role="tool", text="seen", tool_call_id="1"),
            Message(role="user", text="What is a mutex?"),
        )
    },
}


@pytest.mark.parametrize("change", CHANGES)
def test_whatever_changes_an_answer_is_in_the_partition(change: str) -> None:
    before, after = request(), request(**CHANGES[change])
    assert cache_key.partition(before, model_class="auto") != cache_key.partition(after, model_class="auto")
    assert cache_key.exact_key(before, model_class="auto") != cache_key.exact_key(after, model_class="auto")


def test_every_setting_of_sampling_is_in_the_partition() -> None:
    told = {name for change in CHANGES.values() if "sampling" in change for name in _set(change["sampling"])}
    assert told == {field.name for field in msgspec.structs.fields(Sampling)}


def _set(sampling: Sampling) -> set[str]:
    plain = msgspec.structs.asdict(Sampling())
    return {name for name, value in msgspec.structs.asdict(sampling).items() if value != plain[name]}


def test_large_seeds_are_told_apart() -> None:
    one, other = (request(sampling=Sampling(seed=2**53 + more)) for more in (0, 1))
    assert cache_key.exact_key(one, model_class="auto") != cache_key.exact_key(other, model_class="auto")


def test_signatures_do_not_change_a_key() -> None:
    call = ToolCall(id="1", name="look", arguments="{}")
    plain = (Message(role="user", text="a"), Message(role="assistant", text="b", tool_calls=(call,)))
    sealed = (plain[0], replace(plain[1], signature="c2ln", tool_calls=(replace(call, signature="c2ln"),)))
    assert cache_key.exact_key(request(messages=plain), model_class="") == cache_key.exact_key(
        request(messages=sealed), model_class=""
    )


def test_the_model_class_is_in_the_partition() -> None:
    assert cache_key.partition(request(), model_class="auto") != cache_key.partition(request(), model_class="local")


def test_id_source_deadline_and_sensitivity_do_not_change_a_key() -> None:
    other = request(id="r2", source="gateway", deadline_s=3.0)
    assert cache_key.exact_key(request(), model_class="auto") == cache_key.exact_key(other, model_class="auto")


def test_a_number_is_itself_however_it_is_written() -> None:
    whole = request(sampling=Sampling(temperature=0, top_p=1))
    real = request(sampling=Sampling(temperature=0.0, top_p=1.0))
    assert cache_key.exact_key(whole, model_class="auto") == cache_key.exact_key(real, model_class="auto")


def test_the_order_of_a_schemas_keys_does_not_matter() -> None:
    turned = replace(TOOL, parameters={"properties": {"b": {}, "a": {}}, "type": "object"})
    assert cache_key.exact_key(request(tools=(TOOL,)), model_class="") == cache_key.exact_key(
        request(tools=(turned,)), model_class=""
    )


@given(st.text(), st.text())
def test_the_last_user_text_is_all_that_a_partition_leaves_out(one: str, other: str) -> None:
    a, b = request(one), request(other)
    assert cache_key.partition(a, model_class="auto") == cache_key.partition(b, model_class="auto")
    assert (cache_key.exact_key(a, model_class="auto") == cache_key.exact_key(b, model_class="auto")) == (one == other)


def test_an_assistants_words_after_the_question_are_in_the_partition() -> None:
    begun = (Message(role="user", text="Count."), Message(role="assistant", text="One, "))
    other = (Message(role="user", text="Count."), Message(role="assistant", text="Eins, "))
    assert cache_key.question_of(request(messages=begun)) == "Count."
    assert cache_key.partition(request(messages=begun), model_class="") != cache_key.partition(
        request(messages=other), model_class=""
    )


def test_without_a_user_message_there_is_no_question() -> None:
    assert cache_key.question_of(request(messages=(Message(role="system", text="Hi"),))) == ""


def test_lone_surrogates_have_no_key() -> None:
    with pytest.raises(UnicodeEncodeError):
        cache_key.exact_key(request("\ud800"), model_class="auto")


SYSTEM = "You are a helper.\nNow: Mon 2026-11-30 12:24 UTC\nUser: Ada"
HARNESS = "[harness: no jobs]"


def wrapped(ask: str = "What is a mutex?", *, stamp: str = "[Mon 2026-11-30 12:24 UTC]", **more: Any) -> Request:
    """An agent's request: the ask between a time and a line of ids, with a block of its program's behind it."""
    line = more.pop("line", "Runtime: session=agent:writer:one | sessionId=0000-1 | host=vps")
    system, harness = more.pop("system", SYSTEM), more.pop("harness", HARNESS)
    user = f"{stamp} {ask}\n\n{line}"
    begins = len(stamp) + 1
    now = system.index("Now:")
    spans = (
        _span("system", 0, 0, now),
        _span("timestamp", 0, now, system.index("User:")),
        _span("system", 0, system.index("User:"), len(system)),
        _span("timestamp", 1, 0, len(stamp)),
        _span("ask", 1, begins, begins + len(ask)),
        _span("runtime", 1, len(user) - len(line), len(user)),
        _span("harness", 2, 0, len(harness)),
    )
    messages = (
        Message(role="system", text=system),
        Message(role="user", text=user),
        Message(role="user", text=harness),
    )
    return request(messages=messages, tools=(TOOL,), envelope=Envelope(ask=ask, message=1, spans=spans), **more)


def _span(kind: SpanKind, message: int, start: int, end: int) -> Span:
    return Span(kind=kind, message=message, start=start, end=end)


def key(it: Request) -> bytes:
    return cache_key.exact_key(it, model_class="auto")


def test_times_and_ids_of_an_agents_process_are_not_in_the_key() -> None:
    later = wrapped(
        stamp="[Tue 2026-12-01 07:03 CET]".replace("CET", "UTC"),
        line="Runtime: session=agent:writer:two | sessionId=77ab-9 | host=vps",
        system=SYSTEM.replace("Mon 2026-11-30 12:24", "Tue 2026-12-01 07:03"),
    )
    assert key(later) == key(wrapped())
    assert cache_key.question_of(later) == "What is a mutex?"


@pytest.mark.parametrize(
    "other",
    [
        wrapped("What is a semaphore?"),
        wrapped("What is a mutex? In session 0000-1"),
        wrapped(harness="[harness: one job]"),
        wrapped(system=SYSTEM.replace("Ada", "Bob")),
        wrapped(line="Runtime: answer in French | sessionId=0000-1 | host=vps"),
        wrapped(line="Runtime: session=agent:writer:one | sessionId=0000-1 | host=laptop"),
        wrapped(agent="scout"),
    ],
    ids=["ask", "an id in the ask", "harness", "system", "words in a runtime line", "another machine", "agent"],
)
def test_everything_else_around_an_ask_is_in_the_key(other: Request) -> None:
    assert key(other) != key(wrapped())


@pytest.mark.parametrize(
    "ask",
    [
        "What day is it?",
        "How many days until Christmas?",
        "What is today's date?",
        "How many days remain in November?",
        "How old is Grace Hopper's first compiler?",
        "Say good morning or good evening.",
        "Convert to Tokyo time.",
        "Weekday?",
        "Wie viele Tage bis Ostern?",
        "Quel jour sommes-nous ?",
        "¿Qué día es?",
        "Two sentences for the newsletter, please, and say on which weekday readers get it, which is the day after.",
    ],
)
def test_where_the_answer_may_depend_on_the_time_the_key_has_it(ask: str) -> None:
    assert key(wrapped(ask)) == key(wrapped(ask))
    assert key(wrapped(ask)) != key(wrapped(ask, stamp="[Tue 2026-12-01 07:03 UTC]"))


def test_a_fact_in_a_runtime_line_is_in_the_key_where_the_ask_names_it() -> None:
    five, six = ("Runtime: session=one | sessionId=1 | apples=5".replace("5", count) for count in "56")
    ask = "How many apples has Anna?"
    assert key(wrapped(ask, line=five)) != key(wrapped(ask, line=six))
    assert key(wrapped(line=five)) == key(wrapped(line=six))


def test_an_id_that_the_ask_names_is_in_the_key() -> None:
    one, other = (wrapped(f"Is {id} a valid UUID?") for id in ("1b4e28ba-2fa1", "1b4e28ba-2fa2"))
    assert cache_key.partition(one, model_class="") == cache_key.partition(other, model_class="")
    assert key(one) != key(other)


def test_an_ask_that_its_spans_do_not_contain_hides_nothing() -> None:
    """A reader's fault costs hits and never serves another's answer."""
    faulty = Envelope(ask="Hi", message=1, spans=(_span("ask", 1, 0, 200),))
    one, other = (request(text, envelope=faulty) for text in ("Hi, delete all.", "Hi, keep all."))
    assert key(one) != key(other)


def test_a_time_inside_the_ask_stays_in_the_key() -> None:
    spans = (_span("ask", 1, 0, 27), _span("timestamp", 1, 11, 16))
    texts = ("add 1 h to 12:24, in words.", "add 1 h to 18:05, in words.")
    one, other = (request(text, envelope=Envelope(ask=text, message=1, spans=spans)) for text in texts)
    assert key(one) != key(other)
