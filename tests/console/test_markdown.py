from collections.abc import Iterable
from itertools import pairwise

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from rich.cells import cell_len

from console.present.markdown_blocks import parse
from console.present.markdown_layout import lay_out_all
from console.present.markdown_stream import LINE_MAX, OPEN_MAX, MarkdownStream
from console.present.spans import Row
from tests.backends.text.test_terminal_safe import assert_drawable
from tests.console.hostile_text import HOSTILE

LINES = st.sampled_from(
    (
        *("", "", "plain words that go on for a while", "  ", "two  ", "日本語テキスト 日本語", "a" * 60, "&#x1b;[31m"),
        *("# Heading", "## *It*", "Setext", "===", "---", "- a", "- b", "  - nested", "    deep", "* star", "+ plus"),
        *("1. one", "2) two", "7. seven", "> quote", "> - in it", ">", "```", "```py", "~~~", "  ```", "    code"),
        *("| a | b |", "|---|--:|", "| 1 | `x` | 3 |", "a | b", "**bold", "bold** and `code`", "[t](http://u) x"),
        *("[a]: http://later", "[a]", "<b>html</b>", "<!--", "\\", "![i](u)", "***", "~~s~~", "-", "=", "\t- tab"),
    )
)
DOCUMENT = st.lists(LINES, max_size=14).map("\n".join)
ANY = DOCUMENT | st.lists(st.sampled_from(HOSTILE) | DOCUMENT, max_size=3).map("".join) | st.text(max_size=120)


def stream(*pieces: str, finish: bool = False) -> MarkdownStream:
    answer = MarkdownStream()
    for piece in pieces:
        answer.feed(piece)
    if finish:
        answer.finish()
    return answer


def rows(answer: MarkdownStream, width: int) -> list[Row]:
    return [*answer.settled(width), *answer.open(width)]


def text(lines: Iterable[Row]) -> str:
    return "\n".join("".join(span.text for span in line).rstrip() for line in lines)


def cut(source: str, places: list[int]) -> list[str]:
    edges = sorted({0, len(source), *(place % (len(source) + 1) for place in places)})
    return [source[a:b] for a, b in pairwise(edges)]


@given(ANY, st.integers(1, 70))
@settings(max_examples=150)
def test_no_row_is_wider_than_asked_and_every_row_is_safe(source: str, width: int) -> None:
    for line in rows(stream(source), width):
        assert sum(cell_len(span.text) for span in line) <= width
        for span in line:
            assert_drawable(span.text)


@given(ANY, st.lists(st.integers(0, 10_000), max_size=8), st.booleans())
@settings(max_examples=150)
@example("- a\n\n2\n", [1, 4, 5], False)
@example("a\r\nb\r\n", [2], True)
@example("1. a\n\n2. b", [7], False)
def test_any_chunking_gives_what_comes_at_once(source: str, places: list[int], finish: bool) -> None:
    pieces = cut(source, places)
    assert rows(stream(*pieces, finish=finish), 30) == rows(stream(source, finish=finish), 30)


@given(DOCUMENT)
@settings(max_examples=150)
@example("```\n\n  ")
def test_what_is_settled_is_what_the_whole_document_says(source: str) -> None:
    whole = lay_out_all((block for _, block in parse(source)), 40)
    # the parser drops white space at the very end of a fence that nobody closed
    assert text(rows(stream(source, finish=True), 40)).rstrip() == text(whole).rstrip()


@given(DOCUMENT, DOCUMENT)
@settings(max_examples=150)
def test_settled_rows_never_change(before: str, after: str) -> None:
    answer = stream(before)
    settled = list(answer.settled(30))
    answer.feed(after)
    assert answer.settled(30)[: len(settled)] == settled


@given(DOCUMENT, st.integers(1, 60), st.integers(1, 60))
def test_another_width_gives_what_it_would_have_given_first(source: str, one: int, other: int) -> None:
    answer = stream(source)
    rows(answer, one)
    assert rows(answer, other) == rows(stream(source), other)


def test_a_chunk_costs_the_open_block_and_not_the_answer() -> None:
    answer = MarkdownStream()
    for _ in range(300):
        answer.feed("A paragraph of words.\n\n- and\n- a list\n\n")
        assert 0 < answer.open_size <= 60


@pytest.mark.parametrize("chunk", ["Paragraph {}.\n\n", "```\nline {}\n"], ids=["blocks", "lines of code"])
def test_what_is_finished_is_laid_out_once(chunk: str) -> None:
    answer = MarkdownStream()
    settled: list[Row] = []
    for number in range(40):
        answer.feed(chunk.format(number) if number == 0 else chunk.removeprefix("```\n").format(number))
        now = answer.settled(60)
        assert all(row is before for row, before in zip(now, settled, strict=False)), "no settled row is made again"
        settled = list(now)
    assert len(settled) >= 39


@pytest.mark.parametrize(
    "source",
    [
        "word " * 40_000,
        "x" * 200_000,
        "- item\n" * 20_000,
        "[" * 30_000,
        "*a_" * 20_000,
        "> " * 3_000 + "x",
        "a" + "`" * 50_000,
    ],
    ids=["words", "one word", "one list", "brackets", "marks", "quotes", "ticks"],
)
def test_the_open_end_is_bounded_whatever_comes(source: str) -> None:
    answer = MarkdownStream()
    for start in range(0, len(source), 5_000):
        answer.feed(source[start : start + 5_000])
        assert answer.open_size <= OPEN_MAX + 2 * LINE_MAX
    assert rows(answer, 40)


@pytest.mark.parametrize(
    ("source", "width", "expected"),
    [
        ("# A *b* `c`\nd", 20, "A b c\n\nd"),
        ("one two three four", 9, "one two\nthree\nfour"),
        ("abcdefghijkl", 5, "abcde\nfghij\nkl"),
        ("日本語テキスト", 6, "日本語\nテキス\nト"),
        ("日", 1, "…"),
        ("a  \nb", 20, "a\nb"),
        ("- a\n  - b\n- c", 20, "• a\n  • b\n• c"),
        ("- a\n\n- b", 20, "• a\n\n• b"),
        ("3. a\n4. b", 20, "3. a\n4. b"),
        ("> a\n> b", 20, "▎ a b"),
        ("```py\nx = [1]\n```\nend", 20, "py\n  x = [1]\n\nend"),
        ("````\n```\n````\nend", 20, "  ```\n\nend"),
        ("```\nabcdefghijklmn", 10, "  abcdefgh\n  ijklmn"),
        ("> " * 30 + "x", 20, "▎ ▎ ▎ ▎ ▎ ▎ …"),
        ("```py", 20, "py"),
        (">", 20, ""),
        ("[text](https://x.y) <https://a.b>", 60, "text (https://x.y) https://a.b"),
        ("![picture](https://x.y/z.png)", 60, "picture (https://x.y/z.png)"),
        ("[click](javascript:alert)", 60, "[click](javascript:alert)"),
        ("<b>hi</b> &lt; &#x1b;]0;t&#7;", 60, "<b>hi</b> < �]0;t�"),
        ("[/] [@click=app.quit]x[/]", 60, "[/] [@click=app.quit]x[/]"),
        ("|a|bb|\n|-|-:|\n|1|2|", 30, "a       bb\n────  ────\n1        2"),
        ("|name|value|\n|-|-|\n|a|b|", 8, "name: a\nvalue: b"),
        ("|name|value|\n|-|-|", 8, "name\nvalue"),
        ("a\n\n---\n\nb", 5, "a\n\n─────\n\nb"),
    ],
)
def test_what_becomes_of_known_markdown(source: str, width: int, expected: str) -> None:
    assert text(rows(stream(source, finish=True), width)) == expected


def test_styles_say_what_the_text_is() -> None:
    (line,) = rows(stream("a **b** *c* `d` ~~e~~ [f](http://g)"), 60)
    tones = {span.text.strip(): span.tone for span in line}
    assert tones == {
        "a": "text",
        "b": "strong",
        "c": "emphasis",
        "d": "code",
        "e": "dim",
        "f": "emphasis",
        "(http://g)": "dim",
        "": "text",
    }


def test_a_long_cell_wraps_inside_its_column() -> None:
    shown = text(rows(stream("|k|v|\n|-|-|\n|x|one two three four five six|", finish=True), 20))
    assert shown == "k     v\n────  ──────────────\nx     one two three\n      four five six"
