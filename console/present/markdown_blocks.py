"""Markdown as a tree of blocks: parsed by markdown-it-py, every text made safe, independent of the terminal.

HTML stays text, links keep their address beside them, and reference definitions are off, because an answer that still
arrives must not change what stands above.
"""

from collections.abc import Iterator
from functools import cache
from typing import TYPE_CHECKING, Literal, NamedTuple

from msgspec import Struct, field

from backends.text.terminal_safe import SafeText, safe
from console.present.spans import Row, Span, Tone

if TYPE_CHECKING:
    from markdown_it import MarkdownIt
    from markdown_it.token import Token


DEEPEST = 20
"""Levels of nested quotes and lists; deeper levels show as `…`."""

Align = Literal["left", "center", "right"]


class HeadingBlock(Struct, frozen=True):
    level: int
    runs: Row


class ParagraphBlock(Struct, frozen=True):
    runs: Row


class CodeBlock(Struct, frozen=True):
    """`lines` grows while the block is still open."""

    language: SafeText
    lines: list[SafeText] = field(default_factory=list)


class DividerBlock(Struct, frozen=True):
    pass


class QuoteBlock(Struct, frozen=True):
    blocks: tuple["Block", ...]


class ListItem(Struct, frozen=True):
    marker: SafeText
    blocks: tuple["Block", ...]


class ListBlock(Struct, frozen=True):
    items: tuple[ListItem, ...]
    tight: bool


class TableBlock(Struct, frozen=True):
    head: tuple[Row, ...]
    rows: tuple[tuple[Row, ...], ...]
    align: tuple[Align, ...]


Block = HeadingBlock | ParagraphBlock | CodeBlock | DividerBlock | QuoteBlock | ListBlock | TableBlock


class Placed(NamedTuple):
    """A block and the line of the source on which it starts, counted from 0."""

    line: int
    block: Block


def parse(source: str) -> list[Placed]:
    """The top-level blocks of `source`. Total: any text is some Markdown."""
    tokens = iter(_parser().parse(source))
    return [Placed(token.map[0] if token.map else 0, block) for token, block in _blocks(tokens)]


@cache
def _parser() -> "MarkdownIt":
    from markdown_it import MarkdownIt

    rules = MarkdownIt("commonmark", {"html": False, "maxNesting": DEEPEST})
    return rules.enable(["table", "strikethrough"]).disable(["reference", "html_block", "html_inline"])


def _blocks(tokens: Iterator["Token"], end: str = "") -> Iterator[tuple["Token", Block]]:
    """Blocks up to the token of type `end`, which is consumed."""
    for token in tokens:
        match token.type:
            case kind if kind == end:
                return
            case "heading_open":
                yield token, HeadingBlock(int(token.tag[1]), _inline(tokens, "heading_close"))
            case "paragraph_open":
                yield token, ParagraphBlock(_inline(tokens, "paragraph_close"))
            case "fence" | "code_block":
                *lines, rest = safe(token.content, newlines=True).split("\n")
                language = token.info.split(maxsplit=1)[0] if token.info.strip() else ""
                yield token, CodeBlock(safe(language), [safe(line) for line in (*lines, *([rest] if rest else []))])
            case "hr":
                yield token, DividerBlock()
            case "blockquote_open":
                inside = tuple(block for _, block in _blocks(tokens, "blockquote_close"))
                yield token, QuoteBlock(inside or _too_deep(token))
            case "bullet_list_open" | "ordered_list_open":
                yield token, _listing(tokens, token.type.replace("open", "close"))
            case "table_open":
                yield token, _table(tokens)
            case _:  # the parser has no other block rule enabled
                continue


def _listing(tokens: Iterator["Token"], end: str) -> ListBlock:
    items: list[ListItem] = []
    tight = False
    for token in tokens:
        if token.type == end:
            break
        marker = f"{token.info}{token.markup} " if end.startswith("ordered") else "• "
        parts: list[Block] = []
        for opened, block in _blocks(tokens, "list_item_close"):
            tight = tight or opened.hidden
            parts.append(block)
        items.append(ListItem(safe(marker), tuple(parts) or _too_deep(token)))
    return ListBlock(tuple(items), tight)


def _too_deep(container: "Token") -> tuple[Block, ...]:
    """Replaces what the parser drops below its deepest level, so that the reader sees that something is missing."""
    return (ParagraphBlock((Span(safe("…"), "dim"),)),) if container.level + 1 >= DEEPEST else ()


def _table(tokens: Iterator["Token"]) -> TableBlock:
    rows: list[tuple[Row, ...]] = []
    align: list[Align] = []
    cells: list[Row] = []
    for token in tokens:
        match token.type:
            case "table_close":
                break
            case "tr_open":
                cells = []
            case "th_open" | "td_open":
                if token.type == "th_open":
                    align.append(_alignment(str(token.attrGet("style") or "")))
                cells.append(_inline(tokens, token.type.replace("open", "close")))
            case "tr_close":
                rows.append(tuple(cells))
    return TableBlock(rows[0], tuple(rows[1:]), tuple(align))


def _alignment(css: str) -> Align:
    return "right" if "right" in css else "center" if "center" in css else "left"


def _inline(tokens: Iterator["Token"], end: str) -> Row:
    runs: list[Span] = []
    for token in tokens:
        if token.type == end:
            break
        runs.extend(_runs(token.children or []))
    return tuple(runs)


_TONES: dict[str, Tone] = {"strong": "strong", "em": "emphasis", "s": "dim", "link": "emphasis"}


def _runs(tokens: list["Token"]) -> Iterator[Span]:
    """Styled text; a hard break is the text `\\n`."""
    tones: list[Tone] = []
    addresses: list[tuple[str, str]] = []
    linked = ""
    for token in tokens:
        kind, _, edge = token.type.rpartition("_")
        if token.type in ("softbreak", "hardbreak"):
            yield Span(safe("\n" if token.type == "hardbreak" else " ", newlines=True))
        elif token.type == "image":
            yield Span(safe(token.content), _tone(tones))
            yield _address(str(token.attrGet("src")))
        elif edge == "open" and kind in _TONES:
            tones.append(_TONES[kind])
            if kind == "link":
                addresses.append((str(token.attrGet("href")), linked))
                linked = ""
        elif edge == "close" and kind in _TONES:
            tones.remove(_TONES[kind])
            if kind == "link":
                address, before = addresses.pop()
                if linked not in (address, address.removeprefix("mailto:")):
                    yield _address(address)
                linked = before
        else:
            linked += token.content
            yield Span(safe(token.content), "code" if token.type == "code_inline" else _tone(tones))


def _address(url: str) -> Span:
    return Span(safe(f" ({url})"), "dim")


def _tone(tones: list[Tone]) -> Tone:
    """The strongest tone, where several apply."""
    return next((tone for tone in _BY_WEIGHT if tone in tones), "text")


_BY_WEIGHT: tuple[Tone, ...] = ("strong", "emphasis", "dim")
