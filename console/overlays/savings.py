"""The savings: what would save most, when your own machine pays off, and how token prices develop."""

from decimal import Decimal
from math import log10
from typing import ClassVar

from textual.binding import Binding, BindingType

from backends.text.measures import UNKNOWN, count, share
from backends.text.times import clock
from backends.text.usd import usd_cents
from backends.types import CLOUD, LOCAL, BreakEven, PriceMonth, Recommendation, Review
from console.messages import RequestReview, ReviewLoaded
from console.overlays.overlay import Overlay
from console.present.charts import bar, sparkline
from console.present.money_rows import beside_cache, saved_by
from console.present.spans import BLANK, Row, Tone, cell, paragraph, row, span, spread


class SavingsOverlay(Overlay[None]):
    """A review of the ledger, requested when it opens and again by `r`."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("v", "leave", show=False), Binding("r", "reload", show=False)]

    def __init__(self) -> None:
        self._review: Review | None = None
        self._line = ""
        super().__init__("Savings", lambda cells: savings(self._review, self._line, cells))

    def on_mount(self) -> None:
        self.post_message(RequestReview())

    def on_review_loaded(self, message: ReviewLoaded) -> None:
        self._review, self._line = message.review or self._review, message.line
        self.sheet_changed()

    def action_reload(self) -> None:
        self.post_message(RequestReview())


def savings(review: Review | None, line: str, cells: int) -> list[Row]:
    """The review as rows. `line` says why there is no review, where there is none and none is coming."""
    if review is None:
        return paragraph(line or "Reading the ledger…", cells, "bad" if line else "dim")
    baseline = f"all-cloud with nothing cached {usd_cents(review.baseline_usd)}"
    head = spread(
        row(span(f"last {review.days} days  ", "dim"), span(usd_cents(review.cost_usd), "strong")),
        row(span(f"{baseline}, as of {clock(review.at, minutes=True)}", "dim")),
        cells,
    )
    return [
        head,
        *saved_by(review.saved_by, share(review.baseline_usd - review.cost_usd, review.baseline_usd), cells),
        *_beside_cache(review, cells),
        BLANK,
        row(span("What would save most", "title")),
        *_recommendations(review.recommendations, cells),
        BLANK,
        row(span("Break-even of your own machine", "title")),
        *_break_even(review.break_even, cells),
        BLANK,
        row(span("Price per million tokens, tokens per request", "title")),
        *_months(review.months, cells),
    ]


def _beside_cache(review: Review, cells: int) -> list[Row]:
    baseline = review.cached_baseline_usd
    return beside_cache(baseline, None if baseline is None else baseline - review.cost_usd, cells)


def _recommendations(found: tuple[Recommendation, ...], cells: int) -> list[Row]:
    if not found:
        return paragraph("Nothing found that saves a cent a month.", cells, "dim")
    rows: list[Row] = []
    for place, one in enumerate(found, start=1):
        worth = UNKNOWN if one.usd_month is None else f"{usd_cents(one.usd_month)} a month"
        title = row(span(f"{place}  ", "dim"), span(one.title, "text"))
        rows.append(spread(title, row(span(worth, "good")), cells))
        rows += [row(span("   "), *line) for line in paragraph(one.evidence, cells - 3, "dim")]
        rows += [row(span("   "), *line) for line in paragraph(one.command, cells - 3, "code")]
    return rows


def _break_even(found: BreakEven, cells: int) -> list[Row]:
    if not found.curve:
        return paragraph(found.note, cells, "dim")
    at = "never" if found.at_requests is None else f"from {count(found.at_requests)} requests a month"
    rows = [spread(row(span(at, "strong")), row(span(f"now {count(found.requests_month)}", "dim")), cells)]
    rows += _curve(found, cells)
    return [*rows, *paragraph(found.note, cells, "dim")]


def _curve(found: BreakEven, cells: int) -> list[Row]:
    """The cost of a month either way, from 1,000 to 10 million requests; both scales are logarithmic."""
    wide = max(10, cells - 32)
    points = [found.curve[round(index * (len(found.curve) - 1) / (wide - 1))] for index in range(wide)]
    highest = max(max(point.local_usd, point.cloud_usd) for point in points) or Decimal(1)

    def line(name: str, tone: Tone, values: list[Decimal]) -> Row:
        heights = [log10(1 + float(value)) for value in values]
        spark = sparkline(heights, wide, top=log10(1 + float(highest)))
        ends = f"{usd_cents(values[0])} … {usd_cents(values[-1])}"
        return row(cell(name, 8, "dim"), span(spark, tone), span(f" {ends}", "dim"))

    return [
        line("own", LOCAL, [point.local_usd for point in points]),
        line(CLOUD, CLOUD, [point.cloud_usd for point in points]),
        row(cell("", 8), span("1,000", "dim"), span(f"{'10 million a month':>{max(0, wide - 5)}}", "dim")),
    ]


def _months(found: tuple[PriceMonth, ...], cells: int) -> list[Row]:
    if not found:
        return paragraph("No paid request yet.", cells, "dim")
    highest = max((month.cost_usd for month in found), default=Decimal(0)) or Decimal(1)
    rows = [
        row(
            cell("month", 9, "dim"),
            cell("per million", 11, "dim", right=True),
            cell("per request", 12, "dim", right=True),
        )
    ]
    for month in found[-12:]:
        tokens = UNKNOWN if month.tokens_per_request is None else f"{month.tokens_per_request:,.0f} tok"
        figures = row(
            cell(month.month, 9),
            cell(usd_cents(month.usd_per_mtok), 11, right=True),
            cell(tokens, 12, right=True),
            cell(usd_cents(month.cost_usd), 10, "strong", right=True),
            span("  "),
        )
        room = max(0, cells - 44)
        rows.append(row(*figures, *bar((float(month.cost_usd / highest), CLOUD, "━"), cells=room)))
    return rows
