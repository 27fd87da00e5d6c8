"""The estimate of a prompt's tokens: never below zero, growing with the text, near known counts, and cheap."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backends.types import Media, Message, Request, ResponseFormat, Tool, ToolCall
from backends.upstream import token_count as tokens
from backends.upstream.media_tokens import UNSIZED
from backends.upstream.most_tokens import SEARCHED, STEP, most_of, whole_words


def request(*messages: Message, **more: object) -> Request:
    return Request(id="r", messages=messages or (Message(role="user", text="hi"),), **more)  # type: ignore[arg-type]


@given(st.text(), st.text())
def test_more_text_never_counts_less(one: str, two: str) -> None:
    assert 0 <= tokens.count_text(one) <= tokens.count_text(one + two)
    assert (tokens.count_text(one) == 0) == (one == "")


def test_blanks_alone_are_not_free() -> None:
    for blank in " \t\r":
        assert tokens.count_text(blank * 160_000) >= 10_000


KNOWN = {
    "The quick brown fox jumps over the lazy dog.": (10, 10),
    "How many tokens does this plain English sentence have, roughly speaking?": (13, 13),
    "def add(a, b):\n    return a + b\n": (12, 14),
    "Die Pumpe in Halle drei wurde im März gewartet, außerdem die Übergänge.": (22, 17),
    "Насос в третьем зале обслуживался в марте": (16, 11),
    "三号大厅的水泵在三月份进行了检修": (10, 11),
    "aGVsbG8gd29ybGQgdGhpcyBpcyBiYXNlNjQgZW5jb2RlZA==": (36, 28),
    "3f2504e0-4f89-11d3-9a0c-0305e82c3301": (36, 36),
}
"""Counts by the tokenizers of Qwen 2.5 and Gemini."""


def test_known_texts_are_near() -> None:
    for text, (qwen, gemini) in KNOWN.items():
        assert 0.5 * min(qwen, gemini) <= tokens.count_text(text) <= 1.6 * max(qwen, gemini)


def test_everything_an_engine_reads_is_counted() -> None:
    bare = tokens.count(request())
    image = Media(media_type="image/png", data=b"x")
    assert tokens.count(request(Message(role="user", text="hi", media=(image,)))) == bare + UNSIZED
    assert tokens.count(request(tools=(Tool(name="f", description="d", parameters={"type": "object"}),))) > bare
    assert tokens.count(request(response_format=ResponseFormat(kind="schema", schema={"type": "object"}))) > bare
    called = Message(role="assistant", tool_calls=(ToolCall(id="1", name="f", arguments='{"a": 1}'),))
    assert tokens.count(request(called)) > tokens.PER_MESSAGE
    assert tokens.count((Message(role="user", text="hi"),)) == bare


def test_eight_mebibytes_and_lone_surrogates_are_counted() -> None:
    assert tokens.count_text("word " * 1_700_000) > 1_000_000
    assert tokens.count_text("\ud800") >= 1


@given(st.text(max_size=2000))
def test_what_is_reserved_for_no_count_exceeds(text: str) -> None:
    """But for words of the list behind a blank, a byte is a token."""
    size = len(text.encode("utf-8", "surrogatepass"))
    spared = sum(len(word) for word in text.encode("utf-8", "surrogatepass").split() if word in whole_words())
    assert size - spared - text.count(" ") <= most_of(text) <= size
    assert tokens.most(request(Message(role="user", text=text))) > most_of(text)


@given(st.text(st.characters(exclude_categories=["Ll"]), max_size=200))
def test_text_without_words_is_reserved_for_by_its_bytes(text: str) -> None:
    assert most_of(text) == len(text.encode("utf-8", "surrogatepass"))


@pytest.mark.parametrize(
    ("text", "most"),
    [
        ("x the end.", 1 + 1 + 1 + 1),
        ("the end", 7),  # the first has no blank before it, the last nothing behind
        ("x  the end.", 6 + 1 + 1),  # two blanks: the second need not be the word's
        ("x theqzx end.", 1 + 7 + 1 + 1),
        ("x the'll", 8),
        ("x the\u00e9 ", 8),
        ("x The end.", 1 + 4 + 1 + 1),
    ],
)
def test_only_a_whole_word_in_its_place_is_one_token(text: str, most: int) -> None:
    assert most_of(text) == most


TRUTH = {
    "Please look at the logs of the last hour, then tell me what went wrong and why.": 19,
    "aGVsbG8gd29ybGQgdGhpcyBpcyBiYXNlNjQgZW5jb2RlZA==": 36,
    "3f2504e0-4f89-11d3-9a0c-0305e82c3301": 36,
    "Great 🎉🎉 work 👍🏽 team 👩\u200d💻 🚀": 23,
    "तीसरे हॉल में पंप की मार्च में सर्विस की गई थी": 40,
    "zqxjvk" * 100: 400,
    "1234567890" * 10: 100,
}
"""The highest count of five tokenizers."""


def test_no_known_count_is_above_what_is_reserved() -> None:
    for text, truth in TRUTH.items():
        assert truth <= most_of(text)


def test_agents_prose_is_reserved_for_far_below_its_bytes() -> None:
    prose = "You are an agent that helps the owner of this machine with their mail, their notes and their work. " * 50
    assert most_of(prose) < 0.4 * len(prose)


def test_words_beyond_the_searched_part_count_by_their_bytes() -> None:
    text = "x the" + " the" * SEARCHED
    assert len(text) - SEARCHED <= most_of(text) < len(text) - SEARCHED // 2


def test_a_word_on_the_edge_of_a_step_is_never_taken_for_another() -> None:
    """As "themselves" cut behind "them"."""
    for shift in range(12):
        text = "x" * (STEP - shift) + " themselvesqzx."
        assert most_of(text) == len(text)


TEXTS = st.one_of(st.text(max_size=20), st.builds(lambda word, times: word * times, st.text(min_size=1), st.just(1100)))


@given(st.lists(st.lists(st.tuples(TEXTS, TEXTS), max_size=3), min_size=1, max_size=4))
def test_what_was_counted_before_counts_the_same_again(turns: list[list[tuple[str, str]]]) -> None:
    counter, talk = tokens.TokenCounter(), list[Message]()
    tools = (Tool(name="read", description="words " * 400, parameters={"type": "object"}),)
    for turn in turns:
        for text, arguments in turn:
            calls = (ToolCall(id="c", name="read", arguments=arguments),)
            talk += [Message(role="user", text=text), Message(role="assistant", tool_calls=calls)]
        asked = request(*talk, tools=tools)
        assert counter.count(asked) == (tokens.count(asked), tokens.most(asked))
