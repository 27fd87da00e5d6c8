"""The ask that is found in agents' requests, and that nothing else of them is lost."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from backends.envelope.reader import EnvelopeReader
from backends.types import OUTSIDE, VOLATILE, Message, Request, SpanKind
from benchmarks.evaluation.agents.bodies import OTHERS, SHAPES, Turn, turns
from tests.backends.envelope.asking import TOOLS, asked, covers, parts, said

QUESTION = "Why does \"app.py\" stop?\n\nKeyError: 'path'\n  line 3, in open"
KNOWN = sorted(SHAPES.keys() - OTHERS.keys())


def kinds(request: Request, kind: SpanKind) -> list[str]:
    """The texts of one kind in a request."""
    spans = EnvelopeReader().read(request).spans
    return [request.messages[span.message].text[span.start : span.end] for span in spans if span.kind == kind]


@pytest.mark.parametrize(("client", "turn"), [(client, turn) for client in SHAPES for turn in turns(client)])
def test_the_ask_is_found_in_every_programs_envelope(client: str, turn: Turn) -> None:
    request = asked(client, QUESTION, turn=turn)
    envelope = EnvelopeReader().read(request)
    assert envelope.ask == QUESTION
    assert request.messages[envelope.message].role == "user"
    assert envelope.continues == (turn == "result")
    assert covers(request, envelope)


@pytest.mark.parametrize("client", KNOWN)
def test_a_program_of_the_table_is_recognised(client: str) -> None:
    assert EnvelopeReader().read(asked(client, "hi")).client == client


@pytest.mark.parametrize("client", sorted(OTHERS))
def test_no_other_program_is_taken_for_one_of_the_table(client: str) -> None:
    assert EnvelopeReader().read(asked(client, "hi")).client == ""


@pytest.mark.parametrize("client", ["openclaw", "qwen-code", "goose", "roo", "nanobot"])
def test_what_says_the_time_or_the_session_is_volatile(client: str) -> None:
    reader, request = EnvelopeReader(), asked(client, "hi")
    if client in OTHERS:
        assert not [
            span for span in reader.read(asked(client, "thanks")).spans if span.message and span.kind in VOLATILE
        ]
    envelope = reader.read(request)
    kept = list[str]()
    for at, message in enumerate(request.messages):
        text = message.text
        for span in reversed(envelope.volatile(at)):
            text = text[: span.start] + text[span.end :]
        kept.append(text)
    assert not [text for text in kept if "2026" in text or "09:41" in text or "sessionId" in text or "4711" in text]
    assert any("hi" in text for text in kept)


def test_a_users_own_times_are_part_of_the_question() -> None:
    ask = "It broke at 2026-11-30 09:41 UTC.\nWhat happened?"
    assert kinds(said(ask), "ask") == [ask]
    assert kinds(said("[2026-11-30 09:41] disk full, why?", tools=()), "ask") == ["[2026-11-30 09:41] disk full, why?"]


@pytest.mark.parametrize(
    "ask",
    [
        "Which weekday is this?\n\n2024-02-29",
        "Which weekday was it?\n\nDate: 2024-02-29",
        "[2024-02-29] Which weekday is that?",
        "What is wrong here?\n\nhost=db | user=ivo | os=linux | port=5432",
        "Sort these:\n\nPlatform: linux",
    ],
)
@pytest.mark.parametrize("client", ["pi", "goose"])
def test_what_the_answer_depends_on_is_neither_taken_off_nor_volatile(client: str, ask: str) -> None:
    reader = EnvelopeReader()
    for request in (asked(client, "hi"), asked(client, ask), asked(client, ask)):
        envelope = reader.read(request)
    assert envelope.ask == ask
    assert not [
        span for span in envelope.volatile(envelope.message) if "It is" not in request.messages[span.message].text
    ]


def test_a_prompt_without_a_program_has_nothing_volatile() -> None:
    request = said("How old is she?", system="Today's date: 2026-11-30\nShe was born in 2000.", tools=())
    assert not [span for span in EnvelopeReader().read(request).spans if span.kind in VOLATILE]


def test_a_time_alone_is_asked_about_where_there_is_nothing_else() -> None:
    assert EnvelopeReader().read(said("2026-11-30 09:41 UTC")).ask == "2026-11-30 09:41 UTC"


def test_material_stays_in_the_ask() -> None:
    for material in (
        "<div class='note'>\n<p>hi</p>\n</div>",
        "<rules>\nno smoking\n</rules>",
        "```xml\n<system-reminder>\nx\n</system-reminder>\n```",
        "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----",
        "a=1\nb=2",
    ):
        ask = f"What is this?\n\n{material}"
        assert EnvelopeReader().read(said(ask)).ask == ask


def test_quotes_around_a_whole_ask_are_no_part_of_it() -> None:
    assert EnvelopeReader().read(said('"list files"')).ask == "list files"
    assert EnvelopeReader().read(said('"say \\"hi\\" twice"')).ask == 'say "hi" twice'
    assert EnvelopeReader().read(said('"one" or "two"')).ask == '"one" or "two"'


def test_an_ask_of_several_parts_keeps_them() -> None:
    assert EnvelopeReader().read(parts("Compare these two.", "First: red", "Second: blue")).ask == (
        "Compare these two.\nFirst: red\nSecond: blue"
    )


def after_an_answer(system: str, *texts: str) -> Request:
    """A conversation of a program that gives tools' results as the user's messages, with an answer before each."""
    messages = [Message(role="system", text=system), Message(role="user", text=texts[0])]
    for text in texts[1:]:
        messages += [
            Message(role="assistant", text="Calling tools:\n[{'name': 'list_files'}]"),
            Message(role="user", text=text),
        ]
    return Request(id="r", agent="coding", messages=tuple(messages))


@pytest.mark.parametrize(
    ("texts", "continues"),
    [
        ([f"New task:\n{QUESTION}"], False),
        ([f"New task:\n{QUESTION}", "Observation:\napp.py"], True),
        ([f"New task:\n{QUESTION}", "Error:\nNo code was found.\nNow let's retry: read the rules."], True),
        (["New task:\nhi", f"Observation:\napp.py\nError:\nNo more steps.\n\nNew task:\n{QUESTION}"], False),
        (["New task:\nhi", f"Observation:\nx\nBased on the above, please answer this user task:\n{QUESTION}"], False),
    ],
)
def test_a_task_behind_results_in_the_same_text_is_the_ask(texts: list[str], continues: bool) -> None:
    request = after_an_answer("You are an assistant who can solve any task using tools.", *texts)
    envelope = EnvelopeReader().read(request)
    assert (envelope.ask, envelope.continues, envelope.client) == (QUESTION, continues, "smolagents")
    assert not envelope.unproved
    assert covers(request, envelope)


def test_a_task_within_its_programs_rules_is_the_ask_also_after_a_failed_call() -> None:
    task = (
        f"Please solve this issue: {QUESTION}\n\nYou can execute bash commands and edit files to implement what it "
        "takes.\n\n## Rules\n\n1. Read the code first.\n2. Your answer must have a call of a tool.\n\n"
        "<system_information>\nLinux 6.1\n</system_information>\n\n## Examples\n\nsed -i s/a/b/ app.py"
    )
    system = "You are a helpful assistant that can interact with a computer."
    failed = "Tool call error:\n\n<error>\nNo call was found.\n</error>\n\nUse a tool in each answer."
    for texts in ([task], [task, failed]):
        request = replace(after_an_answer(system, *texts), tools=TOOLS)
        envelope = EnvelopeReader().read(request)
        assert (envelope.ask, envelope.unproved) == (QUESTION, "")
        assert covers(request, envelope)


def test_the_date_in_a_programs_own_opening_is_volatile() -> None:
    opening = (
        "This is the Qwen Code. We are setting up the context for our chat.\nToday's date is Monday, November 30, 2026 "
        "(formatted according to the user's locale).\nMy operating system is: linux"
    )
    request = said(opening, QUESTION, system="You are Qwen Code, who works at the command line.")
    envelope = EnvelopeReader().read(request)
    assert envelope.ask == QUESTION
    assert [opening[span.start : span.end][:12] for span in envelope.volatile(1)] == ["Today's date"]
    assert covers(request, envelope)


def test_a_line_that_sends_the_model_on_is_no_ask() -> None:
    more = "[SYSTEM] The run is not complete until you call a tool. Continue working."
    assert EnvelopeReader().read(said(QUESTION, more)).ask == QUESTION
    hidden = "[SYSTEM] Prove that every continuous function on a closed interval is bounded there."
    assert EnvelopeReader().read(said("hi", hidden)).unproved
    assert EnvelopeReader().read(said(more)).ask == more


def test_a_question_after_a_tools_result_is_a_new_ask() -> None:
    request = asked("pi", "list the files", turn="result")
    request = replace(request, messages=(*request.messages, Message(role="user", text="stop, do the tests first")))
    envelope = EnvelopeReader().read(request)
    assert (envelope.ask, envelope.continues) == ("stop, do the tests first", False)


@pytest.mark.parametrize(
    "output",
    [
        "total 4\n-rw-r--r-- app.py\n(Open file: none)\n(Current directory: /srv/app)\nbash-$",
        "<returncode>0</returncode>\n<output>\napp.py\n</output>",
        "Observation: app.py",
        "EXECUTION RESULT of [run]:\napp.py",
    ],
)
def test_what_a_command_put_out_continues_the_ask_also_where_it_is_text(output: str) -> None:
    ran = (Message(role="assistant", text="I look.\n```\nls\n```"), Message(role="user", text=output))
    request = said("Why does it stop?\nbash-$")
    request = replace(request, messages=(*request.messages, *ran, *ran))
    envelope = EnvelopeReader().read(request)
    assert (envelope.ask, envelope.continues) == ("Why does it stop?\nbash-$", True)
    assert envelope.parts["tool-result"] == 2 * len(output)
    assert covers(request, envelope)


def test_without_a_users_text_all_texts_ask() -> None:
    request = Request(id="r", messages=(Message(role="system", text="Say hello."),))
    envelope = EnvelopeReader().read(request)
    assert (envelope.ask, envelope.message) == ("Say hello.", OUTSIDE)


def test_a_message_that_stands_beside_every_ask_is_none() -> None:
    reader, tail = EnvelopeReader(), "These are the notes of the house: be brief, be kind."
    assert reader.read(said("Prove that 2 is prime", tail)).ask == tail
    assert reader.read(said("Sort this list", tail)).ask == "Sort this list"
    assert reader.read(said("Prove that 2 is prime", tail)).ask == "Prove that 2 is prime"
    assert reader.read(said("Prove that 2 is prime", tail, agent="another")).ask == tail


def test_a_part_that_stands_beside_every_ask_is_none() -> None:
    reader, part = EnvelopeReader(), "The shop opens at nine and closes at six."
    reader.read(parts(part, "Prove that 2 is prime"))
    assert reader.read(parts(part, "Sort this list")).ask == "Sort this list"


@pytest.mark.parametrize(
    ("tail", "known_from"),
    [("The house style is plain, and has no heading.\n\nIts colour is green.", 4), ("Answer in the house style.", 9)],
)
def test_lines_that_close_every_ask_become_the_programs(tail: str, known_from: int) -> None:
    reader = EnvelopeReader()
    asks = [f"Question {number}: what is {number} times three?" for number in range(12)]
    found = [reader.read(said(f"{ask}\n\n{tail}")).ask for ask in asks]
    assert found[: known_from - 1] == [f"{ask}\n\n{tail}" for ask in asks[: known_from - 1]]
    assert found[known_from:] == asks[known_from:]


def test_a_scripts_own_instruction_stays_in_its_ask() -> None:
    reader = EnvelopeReader()
    asks = [f"Translate into German:\n\nLetter {number}" for number in range(30)]
    system = "You translate letters for the owner of a shop. " * 9
    assert [reader.read(said(ask, system=system, tools=())).ask for ask in asks] == asks


@pytest.mark.parametrize(
    "wrapped",
    [
        "--- CONTEXT ENTRY BEGIN ---\nThe folder is /srv/app.\n--- CONTEXT ENTRY END ---\n\nWhy does it stop?",
        "--- CONTEXT ENTRY BEGIN ---\nx\n--- CONTEXT ENTRY END ---\n--- USER MESSAGE BEGIN ---\nWhy does it stop?\n"
        "--- USER MESSAGE END ---",
        "[System note: the owner is away until Monday.]\nWhy does it stop?",
        "[SYSTEM CONTEXT]\nmode: brief\n[END SYSTEM CONTEXT]\nWhy does it stop?",
        "New task:\nWhy does it stop?",
        "=== CONTEXT ===\nfiles: app.py\n=== END CONTEXT ===\n\nWhy does it stop?",
        "Context:\n- cwd: /srv/app\n- os: linux\n\nUser request: Why does it stop?",
        "# Environment\nOS: linux\nCwd: /srv/app\n\n# Task\nWhy does it stop?",
        '<env_info cwd="/srv/app" date="2026-11-30"/>\nWhy does it stop?',
        "[2026-11-30T09:41:00Z] [ivo@telegram] Why does it stop?",
        "Why does it stop?\n\n[Reminder: tools are there to be used.]",
        "Why does it stop?\n\n<!-- session: 77 -->",
        "Why does it stop? /no_think",
        '<messages>\n<message sender="Ivo" time="09:41">Why does it stop?</message>\n</messages>',
        "<RUNTIME_INFORMATION>\nDate: 2026-11-30\n</RUNTIME_INFORMATION>\nWhy does it stop?",
        "[Chat messages since your last reply - for context]\n[Mon 09:40] Eva: hi\n\n"
        "[Current message - respond to this]"
        "\n[Mon 2026-11-30 09:41 UTC] Why does it stop?",
        'Message info (untrusted metadata):\n```json\n{"id": 4}\n```\n\nWhy does it stop?',
        "Current time: 2026-11-30 09:41\nSession ID: 77\n\nWhy does it stop?",
    ],
)
def test_other_forms_of_wrapping_are_told_by_their_shape(wrapped: str) -> None:
    request = said(wrapped)
    envelope = EnvelopeReader().read(request)
    assert envelope.ask == "Why does it stop?"
    assert covers(request, envelope)


def test_the_same_ask_again_stays_the_ask() -> None:
    reader = EnvelopeReader()
    assert {reader.read(asked("openclaw", "list files")).ask for _ in range(8)} == {"list files"}
    assert {reader.read(said("list files")).ask for _ in range(8)} == {"list files"}


def test_what_a_program_asks_again_with_another_time_stays_the_ask() -> None:
    reader = EnvelopeReader()
    asks = [
        reader.read(
            asked("openclaw", f"Write your notes into today's file.\nReference UTC: 2026-11-30 22:{minute}")
        ).ask
        for minute in range(10, 30)
    ]
    assert all(ask.startswith("Write your notes") for ask in asks)


def test_a_task_that_its_program_takes_up_again_is_the_ask_before() -> None:
    go_on = "Continue the current task from the existing transcript, preserving completed work. Do not restart it."
    first = asked("openclaw", "list files")
    again = replace(first, messages=(*first.messages, *asked("openclaw", go_on).messages[1:]))
    assert EnvelopeReader().read(again).ask == "list files"


def test_memory_and_environment_of_instructions_are_told_apart() -> None:
    memory = "".join(kinds(asked("openclaw", "hi"), "memory"))
    assert "ivo@example.org" in memory
    assert "Names count" not in memory
    assert "/srv/app" in "".join(kinds(asked("opencode", "hi"), "environment"))


def test_declared_tools_are_counted() -> None:
    assert EnvelopeReader().read(said("hi", tools=())).parts.get("tools") is None
    assert EnvelopeReader().read(said("hi")).parts["tools"] > 0


TAGS = ("system-reminder", "environment_context", "context", "user_query", "task", "div", "a_b", "tool_result")
PIECES = st.sampled_from(
    [
        *(f"<{tag}>" for tag in TAGS),
        *(f"</{tag}>" for tag in TAGS),
        "<<<BEGIN_X>>>", "<<<END_X>>>", "[Runtime Context]", "[/Runtime Context]", "\n", "\n\n", "```", '"', '\\"', " ",
        "[Mon 2026-11-30 09:41 UTC] ", "Runtime: a=1 | session=2 | host=3", "Why?", "hard", "Time: 09:41", "<!-- x -->",
        "## My request for X:\n", "[read for 'x'] Result:\n", "Ω", "\x00", "\ud800",
    ]
)  # fmt: skip
TEXTS = st.lists(PIECES, max_size=24).map("".join)
MESSAGES = st.builds(Message, role=st.sampled_from(["system", "user", "assistant", "tool"]), text=TEXTS) | st.builds(
    lambda text, cut: Message(role="user", text=text, seams=(min(cut, len(text)),)), TEXTS, st.integers(1, 60)
)


@given(messages=st.lists(MESSAGES, min_size=1, max_size=6), tools=st.booleans())
def test_no_text_is_lost_and_no_ask_is_empty(messages: list[Message], tools: bool) -> None:
    request = Request(id="r", messages=tuple(messages), tools=said("x").tools if tools else ())
    reader = EnvelopeReader()
    for envelope in (reader.read(request), reader.read(request)):
        assert covers(request, envelope)
        spoken = [message.text for message in messages if message.role == "user" and message.text.strip()]
        assert bool(envelope.ask.strip()) or not spoken
        if envelope.message != OUTSIDE:
            text = messages[envelope.message].text
            spans = [span for span in envelope.spans if span.kind == "ask"]
            assert all(span.message == envelope.message for span in spans)
            said_there = "".join(text[span.start : span.end] for span in spans)
            assert said_there == envelope.ask or said_there == envelope.ask.replace("\n", "") or "\n" in envelope.ask
