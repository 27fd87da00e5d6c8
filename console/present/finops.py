"""The FinOps view: what would save most, where the own machine breaks even, and whether tokens get cheaper."""

from decimal import Decimal
from math import log10

from backends.types import BreakEven, PriceMonth, Recommendation, Review
from console.present.figures import UNKNOWN, bar, clock, count, share, sparkline, total
from console.present.rows import BLANK, Row, Tone, cell, paragraph, row, span, spread
from console.present.spend import saved_by

LOADING = "the ledger is being read…"


def finops(review: Review | None, line: str, cells: int) -> list[Row]:
    """`line` says why there is no review, where there is none and none is coming."""
    if review is None:
        return paragraph(line or LOADING, cells, "bad" if line else "dim")
    head = spread(
        row(span(f"last {review.days} days  ", "dim"), span(total(review.cost_usd), "strong")),
        row(span(f"all-cloud {total(review.baseline_usd)}, as of {clock(review.at, minutes=True)}", "dim")),
        cells,
    )
    return [
        head,
        *saved_by(review.saved_by, share(review.baseline_usd - review.cost_usd, review.baseline_usd), cells),
        BLANK,
        row(span("What would save most", "title")),
        *_recommendations(review.recommendations, cells),
        BLANK,
        row(span("Break-even of the own machine", "title")),
        *_break_even(review.break_even, cells),
        BLANK,
        row(span("LLMflation: price of tokens, tokens of a request", "title")),
        *_months(review.months, cells),
    ]


def _recommendations(found: tuple[Recommendation, ...], cells: int) -> list[Row]:
    if not found:
        return paragraph("nothing was found that is worth a cent a month", cells, "dim")
    rows: list[Row] = []
    for place, one in enumerate(found, start=1):
        worth = UNKNOWN if one.usd_month is None else f"{total(one.usd_month)} a month"
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
    """What a request costs either way, from a thousand to ten million of them a month; both scales are logarithmic."""
    wide = max(10, cells - 32)
    points = [found.curve[round(index * (len(found.curve) - 1) / (wide - 1))] for index in range(wide)]
    dearest = max(max(point.local_usd, point.cloud_usd) for point in points) or Decimal(1)

    def line(name: str, tone: Tone, values: list[Decimal]) -> Row:
        heights = [log10(1 + float(usd)) for usd in values]
        spark = sparkline(heights, wide, top=log10(1 + float(dearest)))
        ends = f"{total(values[0])} … {total(values[-1])}"
        return row(cell(name, 8, "dim"), span(spark, tone), span(f" {ends}", "dim"))

    return [
        line("own", "local", [point.local_usd for point in points]),
        line("cloud", "cloud", [point.cloud_usd for point in points]),
        row(cell("", 8), span("1,000", "dim"), span(f"{'10 million a month':>{max(0, wide - 5)}}", "dim")),
    ]


def _months(found: tuple[PriceMonth, ...], cells: int) -> list[Row]:
    if not found:
        return paragraph("no paid request yet", cells, "dim")
    dearest = max((month.cost_usd for month in found), default=Decimal(0)) or Decimal(1)
    rows = [
        row(cell("month", 9, "dim"), cell("a million", 11, "dim", right=True), cell("a request", 12, "dim", right=True))
    ]
    for month in found[-12:]:
        tokens = UNKNOWN if month.tokens_per_request is None else f"{month.tokens_per_request:,.0f} tok"
        figures = row(
            cell(month.month, 9),
            cell(total(month.usd_per_mtok), 11, right=True),
            cell(tokens, 12, right=True),
            cell(total(month.cost_usd), 10, "strong", right=True),
            span("  "),
        )
        left = max(0, cells - 44)
        rows.append(row(*figures, *bar((float(month.cost_usd / dearest), "cloud", "━"), cells=left)))
    return rows
