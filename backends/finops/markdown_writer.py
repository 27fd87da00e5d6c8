"""A document as Markdown: readable as it is, and in any viewer; charts are bars of characters."""

from collections.abc import Sequence

from backends.finops.document import (
    Block,
    BreakEvenCurve,
    Bullets,
    DailySpend,
    DataTable,
    Document,
    Inline,
    Recommendations,
    SectionHeading,
    Strong,
    TextParagraph,
    TimeChart,
)
from backends.finops.text_writer import bars, curve_table, time_chart
from backends.text.terminal_safe import safe
from backends.text.usd import usd_cents
from backends.types import Recommendation

SPECIAL = str.maketrans({char: f"\\{char}" for char in "\\`*_[]<>|#~"})


def as_markdown(document: Document) -> str:
    title = (f"# {_text(document.title)}",) if document.title else ()
    return "\n\n".join((*title, *map(_block, document.blocks))) + "\n"


def _block(block: Block) -> str:  # noqa: PLR0911 — one arm for each block
    match block:
        case SectionHeading(text=text):
            return f"## {_text(text)}"
        case TextParagraph(parts=parts):
            return _inline(parts)
        case Bullets(items=items):
            return "\n".join(f"- {_inline(item)}" for item in items)
        case DataTable():
            return _table(block)
        case Recommendations(items=items):
            return "\n".join(f"{place}. {_recommended(one)}" for place, one in enumerate(items, start=1))
        case DailySpend():
            return f"```\n{bars(block)}\n```"
        case BreakEvenCurve():
            return _table(curve_table(block))
        case TimeChart():
            return f"```\n{time_chart(block)}\n```"


def _table(table: DataTable) -> str:
    rows = [" | ".join(map(_text, row)) for row in (table.head, *table.rows)]
    rule = f"| --- |{' --: |' * (len(table.head) - 1)}"
    return "\n".join((f"| {rows[0]} |", rule, *(f"| {row} |" for row in rows[1:])))


def _recommended(one: Recommendation) -> str:
    head = f"**{_text(one.title)}**: {_text(usd_cents(one.usd_month))} a month"
    return f"{head}; {_text(one.evidence)}. Try `{_code(one.command)}`"


def _inline(parts: Sequence[Inline]) -> str:
    return "".join(f"**{_text(part.text)}**" if isinstance(part, Strong) else _text(part) for part in parts)


def _text(foreign: str) -> str:
    """No markup and no control characters."""
    return safe(foreign).translate(SPECIAL)


def _code(command: str) -> str:
    """Inside backticks, which it cannot leave."""
    return safe(command).replace("`", "'")
