"""Tool calls and results are paired within their turn, and nothing is lost on the way."""

import sys
from collections import Counter
from typing import ClassVar

from hypothesis import given
from hypothesis import strategies as st

from backends.pipeline.normalise import normalise
from backends.pipeline.turns import NO_RESULT, paired
from backends.settings.model import Settings
from backends.types import Media, Message, Request, ToolCall


def user(text: str) -> Message:
    return Message(role="user", text=text)


def called(*calls: tuple[str, str], text: str = "") -> Message:
    return Message(
        role="assistant", text=text, tool_calls=tuple(ToolCall(id=id, name=name, arguments="{}") for id, name in calls)
    )


def result(id: str | None, text: str, **more: object) -> Message:
    return Message(role="tool", tool_call_id=id, text=text, **more)  # type: ignore[arg-type]


def told(messages: tuple[Message, ...]) -> list[tuple[str | None, str | None, str]]:
    return [(each.tool_call_id, each.name, each.text) for each in messages if each.role == "tool"]


def test_results_sent_in_another_order_stand_in_the_order_of_their_calls() -> None:
    messages, notes = paired(
        (user("?"), called(("a", "weather"), ("b", "weather")), result("b", "31 C"), result("a", "12 C"))
    )
    assert told(messages) == [("a", "weather", "12 C"), ("b", "weather", "31 C")]
    assert notes == ()


def test_an_id_used_in_two_turns_means_the_call_before_it() -> None:
    messages, notes = paired(
        (
            user("?"),
            called(("call_0", "search")),
            result("call_0", "found"),
            called(("call_0", "read_file")),
            result("call_0", "read"),
        )
    )
    assert told(messages) == [("call_0", "search", "found"), ("call_0_again1", "read_file", "read")]
    assert messages[3].tool_calls[0].id == "call_0_again1"
    assert notes == ()


def test_an_id_used_twice_in_one_turn_is_told_apart_in_order() -> None:
    messages, _ = paired((called(("x", "one"), ("x", "two")), result("x", "first"), result("x", "second")))
    assert told(messages) == [("x", "one", "first"), ("x_again1", "two", "second")]


def test_a_missing_result_is_filled_in_and_said() -> None:
    messages, notes = paired((user("?"), called(("a", "f"), ("b", "g")), result("a", "12"), user("never mind")))
    assert told(messages) == [("a", "f", "12"), ("b", "g", NO_RESULT)]
    assert messages[-1] == user("never mind")
    assert notes == ('tool calls without a result were answered with "no result": g',)


def test_calls_at_the_very_end_are_answered_too() -> None:
    messages, notes = paired((user("?"), called(("a", "f"))))
    assert told(messages) == [("a", "f", NO_RESULT)]
    assert len(notes) == 1


def test_a_result_whose_call_was_cut_away_is_kept_as_text() -> None:
    picture = Media(media_type="image/png", data=b"x")
    cut = result("gone", "ab\ncd", name="screenshot", media=(picture,), seams=(3,))
    messages, notes = paired((cut, user("and now?")))
    assert [message.role for message in messages] == ["user", "user"]
    assert messages[0].text.endswith("ab\ncd")
    assert "screenshot" in messages[0].text
    assert messages[0].media == (picture,)
    assert [messages[0].text[seam:] for seam in messages[0].seams] == ["cd"]
    assert notes == ("tool results without their call were passed on as text: screenshot",)


def test_a_second_result_of_one_call_is_kept_as_text() -> None:
    messages, _ = paired((called(("a", "f")), result("a", "one"), result("a", "two")))
    assert told(messages) == [("a", "f", "one")]
    assert messages[-1].role == "user"
    assert messages[-1].text.endswith("two")


def test_a_result_behind_the_users_word_goes_to_its_call() -> None:
    messages, notes = paired((called(("a", "f"), ("b", "g")), result("b", "2"), user("hurry"), result("a", "1")))
    assert [message.role for message in messages] == ["assistant", "tool", "tool", "user"]
    assert told(messages) == [("a", "f", "1"), ("b", "g", "2")]
    assert notes == ()


def test_a_result_is_named_after_its_call_whatever_it_says() -> None:
    messages, _ = paired((called(("a", "f")), result("a", "1", name="g")))
    assert told(messages) == [("a", "f", "1")]


def test_results_without_an_id_go_by_name_then_by_order() -> None:
    messages, notes = paired(
        (
            called(("", "f"), ("", "g"), ("", "h")),
            result(None, "of g", name="g"),
            result(None, "of f"),
            result(None, "of h"),
        )
    )
    assert [(name, text) for _, name, text in told(messages)] == [("f", "of f"), ("g", "of g"), ("h", "of h")]
    ids = [id for id, _, _ in told(messages)]
    assert len(set(ids)) == 3
    assert notes == ()


def test_a_note_names_a_few_and_counts_the_rest() -> None:
    _, notes = paired((called(*((str(index), f"tool{index}") for index in range(9))),))
    assert notes == ('tool calls without a result were answered with "no result": tool0, tool1, tool2 (9 in all)',)


def test_a_request_is_paired_at_its_start_and_keeps_what_was_noted_before() -> None:
    asked = Request(id="1", messages=(user("?"), called(("a", "f"))), notes=("before",))
    whole = normalise(asked, Settings())
    assert whole.messages[-1].text == NO_RESULT
    assert whole.notes[0] == "before"
    assert len(whole.notes) == 2


IDS = st.sampled_from(["", "a", "b", "c", "a_again1"])
NAMES = st.sampled_from(["f", "g", "h"])
TEXTS = st.integers(0, 10**9).map(str)
CALLS = st.lists(st.tuples(IDS, NAMES), max_size=3).map(lambda calls: called(*calls, text="said"))
RESULTS = st.builds(result, st.one_of(st.none(), IDS), TEXTS, name=st.one_of(st.none(), NAMES))
OTHERS = st.sampled_from([user("u"), Message(role="system", text="s")])
HISTORIES = st.lists(st.one_of(CALLS, RESULTS, RESULTS, OTHERS), max_size=14)


@given(HISTORIES)
def test_each_call_has_one_result_behind_it_under_an_id_of_its_own(history: list[Message]) -> None:
    messages, _ = paired(history)
    ids = [call.id for message in messages for call in message.tool_calls]
    assert all(ids)
    assert len(set(ids)) == len(ids)
    waiting: list[tuple[str, str]] = []
    for message in messages:
        if message.role == "assistant":
            waiting += [(call.id, call.name) for call in message.tool_calls]
        elif message.role == "tool":
            assert (message.tool_call_id, message.name) == waiting.pop(0)
        else:
            assert not waiting
    assert not waiting


@given(HISTORIES)
def test_nothing_is_lost_and_all_else_keeps_its_order(history: list[Message]) -> None:
    messages, _ = paired(history)
    given_ = [message.text for message in history if message.role == "tool"]
    made = [
        message.text.rpartition("\n")[2]
        for message in messages
        if message.text != NO_RESULT and (message.role == "tool" or message.text.startswith("["))
    ]
    assert sorted(made) == sorted(given_)

    def rest(each: list[Message] | tuple[Message, ...]) -> list[tuple[str, str, int]]:
        kept = [one for one in each if one.role != "tool" and not one.text.startswith("[")]
        return [(one.role, one.text, len(one.tool_calls)) for one in kept]

    assert rest(messages) == rest(history)


@given(HISTORIES)
def test_what_is_paired_stays_as_it_is(history: list[Message]) -> None:
    messages, _ = paired(history)
    assert paired(messages) == (messages, ())


class CountedId(str):
    """An id that counts how often any of its kind is compared or hashed."""

    __slots__ = ()
    operations: ClassVar[int] = 0

    def __eq__(self, other: object) -> bool:
        CountedId.operations += 1
        return super().__eq__(other)

    def __hash__(self) -> int:
        CountedId.operations += 1
        return super().__hash__()


def test_twice_the_messages_take_twice_the_work() -> None:
    def work(turns: int) -> int:
        """Function calls, and operations on ids: what a search through a list would show as."""
        history = [
            message
            for index in range(turns)
            for message in (
                called((CountedId("x"), "f"), (CountedId(index), "g")),
                result(CountedId("x"), "1"),
                result(CountedId(index), "2"),
            )
        ]
        calls = Counter[str]()
        before = CountedId.operations
        sys.setprofile(lambda _frame, event, _argument: calls.update((event,)))
        try:
            paired(history)
        finally:
            sys.setprofile(None)
        return calls["call"] + calls["c_call"] + CountedId.operations - before

    assert work(400) <= 2.1 * work(200)
