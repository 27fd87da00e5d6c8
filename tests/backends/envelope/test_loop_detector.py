"""A loop is found by its third round; work that gets on is left alone."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backends.envelope.loop_detector import find_loop
from backends.types import Message
from tests.backends.envelope.conversations import called, commands, conversation

FAILS = ("pytest -q", "2 failed, 31 passed in 1.32s")


def found(*after: Message) -> str:
    loop = find_loop(conversation(after), repeats=3)
    return "" if loop is None else loop.phrase


def test_the_same_call_with_the_same_result_is_a_loop_the_third_time() -> None:
    assert found(*commands(*[FAILS] * 2)) == ""
    assert found(*commands(*[FAILS] * 3)) == "same call of exec 3 ×"
    assert found(*commands(("ls", "a b"), *[FAILS] * 4)) == "same call of exec 4 ×"


def test_times_durations_and_ids_of_a_result_do_not_make_it_another() -> None:
    results = [
        f"2026-11-30T12:00:0{at}Z job 0b9d2f6c-1111-4222-8333-44445555666{at} failed at 0x7ffe{at} after 1.0{at} s"
        for at in range(3)
    ]
    assert found(*commands(*(("make deploy", result) for result in results))) == "same call of exec 3 ×"


def test_arguments_are_compared_by_what_they_say() -> None:
    pair = {"path": "a.py", "line": 1}
    turned = {"line": 1, "path": "a.py"}
    steps = [called(at, "read", each, "import os") for at, each in enumerate((pair, turned, pair))]
    assert found(*(message for step in steps for message in step)) == "same call of read 3 ×"


def test_a_few_calls_in_turns_are_a_loop() -> None:
    round_ = (("cat a.py", "x = 1"), ("pytest -q", "1 failed in 0.10s"))
    assert found(*commands(*round_ * 2)) == ""
    assert found(*commands(*round_ * 3)) == "same 2 calls 3 ×"


def test_the_same_result_of_other_calls_is_work() -> None:
    assert found(*commands(*((f"grep -rn word{chr(97 + at)} src", "") for at in range(20)))) == ""


def test_the_same_call_with_other_results_is_work() -> None:
    assert found(*commands(*(("pytest -q", f"{9 - at} failed") for at in range(9)))) == ""
    assert found(*commands(*(("sleep 5; ./status", f"{at * 10} % done") for at in range(9)))) == ""


def test_a_retry_that_succeeds_is_work() -> None:
    flaky = ("curl -s https://example.org/api", "connection reset")
    assert found(*commands(flaky, flaky, (flaky[0], "ok"))) == ""


def test_reading_a_file_again_between_changes_is_work() -> None:
    steps: list[tuple[str, str]] = []
    for at in range(8):
        steps += [("cat main.py", "unchanged"), (f"sed -i s/a{at}x/b/ other{chr(97 + at)}.py", "")]
    assert found(*commands(*steps)) == ""


def test_a_call_that_waits_has_more_patience() -> None:
    pending = ("sleep 10; ./status", "pending")
    assert found(*commands(*[pending] * 8)) == ""
    assert found(*commands(*[pending] * 9)) == "same call of exec 9 ×"


def test_a_time_that_goes_on_is_a_new_result_of_a_call_that_waits() -> None:
    assert found(*commands(*(("sleep 10; ./status", f"running for {at}0 s") for at in range(1, 12)))) == ""


def test_reading_on_past_the_end_gets_nowhere() -> None:
    steps = [called(at, "read", {"path": "log", "offset": at * 100}, "no more lines") for at in range(12)]
    messages = [message for step in steps for message in step]
    assert found(*messages[:-2]) == ""
    assert found(*messages) == "no progress in 12 calls of read"


def test_reading_many_files_that_hold_the_same_is_work() -> None:
    steps = [called(at, "read", {"path": f"part{at}.txt"}, "the same line\n" * 50) for at in range(30)]
    assert found(*(message for step in steps for message in step)) == ""


@pytest.mark.parametrize(
    "line",
    ["while ! ./ready; do sleep 2; done", "./status; sleep 5", "cd app && watch -n1 ./status", 'echo "x" | wait'],
)
def test_a_command_waits_wherever_it_stands_in_a_line(line: str) -> None:
    assert found(*commands(*[(line, "pending")] * 8)) == ""


def test_a_word_in_a_text_is_no_command() -> None:
    assert found(*commands(*[("grep -n 'the client will wait' a.py", "")] * 3)) == "same call of exec 3 ×"


def test_reading_on_where_there_is_more_is_work() -> None:
    steps = [called(at, "read", {"path": "log", "offset": at * 100}, f"line {at}") for at in range(30)]
    assert found(*(message for step in steps for message in step)) == ""


def test_only_what_came_after_the_last_ask_counts() -> None:
    again = Message(role="user", text="Run the tests again")
    steps = commands(*[FAILS] * 3)
    assert found(*steps[:4], again, *steps[4:]) == ""
    assert found(*steps, Message(role="assistant", text="They fail."), again) == ""


def test_calls_at_once_are_one_step() -> None:
    answer, result = called(0, "exec", {"command": "ls"}, "a")
    at_once = Message(role="assistant", tool_calls=answer.tool_calls * 5)
    assert found(at_once, *[result] * 5) == ""


@pytest.mark.parametrize("name", ["write to bob@example.org", "x" * 50, "naïve"])
def test_a_phrase_holds_no_text_that_only_looks_like_a_name(name: str) -> None:
    steps = [called(at, name, {}, "same") for at in range(3)]
    assert found(*(message for step in steps for message in step)) == "same call 3 ×"


@given(st.lists(st.tuples(st.text(max_size=20), st.text(max_size=20)), max_size=12), st.integers(2, 5))
def test_no_text_makes_it_fail_and_different_calls_are_no_loop(lines: list[tuple[str, str]], repeats: int) -> None:
    different = [(f"{chr(97 + at)} {line}", result) for at, (line, result) in enumerate(lines)]
    assert find_loop(conversation(commands(*different)), repeats) is None
    find_loop(conversation(commands(*lines)), repeats)


def test_a_history_of_megabytes_is_read_at_its_end_only() -> None:
    long = "word " * 400_000
    steps = commands(*(("cat big", long) for _ in range(3)))
    assert found(*steps) == "same call of exec 3 ×"
