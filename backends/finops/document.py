"""A report as a document: blocks of text, tables and charts, without a word on how a format shows them.

Any text may be foreign (an agent's name, a model's). The writers make it harmless, each for its format.
"""

from collections.abc import Iterable, Sequence
from decimal import Decimal

from msgspec import Struct

from backends.finops.spend_report import ReportLine
from backends.types import CurvePoint, Recommendation


class Strong(Struct, frozen=True):
    """Text that stands out."""

    text: str


Inline = str | Strong


class Heading(Struct, frozen=True):
    text: str


class Paragraph(Struct, frozen=True):
    parts: tuple[Inline, ...]


class Bullets(Struct, frozen=True):
    items: tuple[tuple[Inline, ...], ...]


class Table(Struct, frozen=True):
    """Cells as text. The first column holds names, to the left; the others hold figures, to the right."""

    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


class Recommendations(Struct, frozen=True):
    """What would save money, the largest saving first."""

    items: tuple[Recommendation, ...]


class DailySpend(Struct, frozen=True):
    """A bar for each day: what was paid, and what all-cloud would have added."""

    days: tuple[ReportLine, ...]


class BreakEvenCurve(Struct, frozen=True):
    """A month's cost on the operator's own machine and in the cloud, by the number of requests; never empty."""

    points: tuple[CurvePoint, ...]


Block = Heading | Paragraph | Bullets | Table | Recommendations | DailySpend | BreakEvenCurve


class Document(Struct, frozen=True):
    """`title` is "" where a format that has none is enough."""

    title: str
    blocks: tuple[Block, ...]


def paragraph(*parts: Inline) -> Paragraph:
    return Paragraph(parts)


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> Table:
    return Table(tuple(head), tuple(map(tuple, rows)))


def dollars(usd: Decimal) -> str:
    """To the cent from a dollar on, else to a millionth ("$12.34", "$0.000123", "-$0.010000")."""
    amount = abs(usd)
    shown = f"{amount:,.2f}" if amount >= 1 or not amount else f"{amount:.6f}"
    return f"{'-' if usd < 0 else ''}${shown}"


def cents(usd: Decimal | None) -> str:
    """An estimate, to the cent ("$0.42", "$1,200.00"); "–" for one that is not known."""
    return "–" if usd is None else f"${usd:,.2f}"
