"""A report as a document: blocks of text, tables and charts, without a word on how a format shows them.

Any text may be foreign (an agent's name, a model's). The writers make it harmless, each for its format.
"""

from collections.abc import Iterable, Sequence

from msgspec import Struct

from backends.finops.spend_report import ReportLine
from backends.types import CurvePoint, Recommendation


class Strong(Struct, frozen=True):
    """Text that stands out."""

    text: str


Inline = str | Strong


class SectionHeading(Struct, frozen=True):
    text: str


class TextParagraph(Struct, frozen=True):
    parts: tuple[Inline, ...]


class Bullets(Struct, frozen=True):
    items: tuple[tuple[Inline, ...], ...]


class DataTable(Struct, frozen=True):
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


class TimeChart(Struct, frozen=True, kw_only=True):
    """Values at equal steps of time, the oldest first; None is unknown. The scale goes from 0 to the highest of them,
    which `figure` is in words. `ticks` are places on the axis, from 0 to 1, with the times there. `marks` says of each
    step whether an incident stood in it.
    """

    title: str
    values: tuple[float | None, ...]
    figure: str
    ticks: tuple[tuple[float, str], ...]
    marks: tuple[bool, ...]


Block = SectionHeading | TextParagraph | Bullets | DataTable | Recommendations | DailySpend | BreakEvenCurve | TimeChart


class Document(Struct, frozen=True):
    """`title` is "" where a format that has none is enough."""

    title: str
    blocks: tuple[Block, ...]


def paragraph(*parts: Inline) -> TextParagraph:
    return TextParagraph(parts)


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> DataTable:
    return DataTable(tuple(head), tuple(map(tuple, rows)))
