"""What the reports for people say: totals, a comparison, the review, and the full report, each as a document."""

from collections.abc import Iterable, Iterator

from backends.finops.compare import Change, Comparison
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
    paragraph,
    table,
)
from backends.finops.full_report import FullReport
from backends.finops.spend_report import SAVING_PARTS, ReportLine, SpendReport
from backends.text.measures import UNKNOWN
from backends.text.usd import usd_cents, usd_fine
from backends.types import BreakEven, PriceMonth, Review


def totals_document(report: SpendReport, *remarks: str) -> Document:
    """A table of its rows and their total, where the savings come from, then `remarks`."""
    head = (report.by, "requests", "failed", "refused", "cost", "all-cloud", "saved", "", "input", "cached", "output")
    shown = report.rows[:MOST_ROWS] if report.by == "session" else report.rows
    more = len(report.rows) - len(shown)
    hidden = (f"{more:,} more, each no dearer than these; --format csv has them all",) if more else ()
    parts = report.total.saved_by
    saved = ", ".join(
        f"{name.replace('_', ' ')} {usd_fine(amount)}"
        for name in SAVING_PARTS
        if (amount := getattr(parts, name)) or name == "routing"
    )
    own = report.total.own_cost_usd
    machine = (f"own machine, not billed: {usd_fine(own)}",) if own else ()
    return Document(
        "",
        (
            paragraph(f"{report.since:%Y-%m-%d %H:%M} to {report.until:%Y-%m-%d %H:%M} UTC"),
            table(head, map(_totals_row, (*shown, report.total))),
            paragraph(f"saved by: {saved}"),
            *map(paragraph, (*hidden, *_beside_cache(report), *machine, *remarks)),
        ),
    )


MOST_ROWS = 50
"""Sessions of a table: every bare prompt is one."""


def _beside_cache(report: SpendReport) -> Iterator[str]:
    """The saving against a cloud that caches the beginnings of prompts, where that is another, and for what none is
    claimed.
    """
    total = report.total
    if total.cached_baseline_usd == total.baseline_usd and report.by != "session":
        return
    base, saved = total.cached_baseline_usd, total.saved_beside_cache_usd
    share = f" ({saved / base:.0%})" if base else ""
    yield f"against the cloud alone with its prefix cache, {usd_fine(base)}: saved {usd_fine(saved)}{share}"
    yield "thinking that was left out is not counted as saved"


def comparison_document(found: Comparison) -> Document:
    """What each key cost in the span before and in this one, and the change."""
    before, after = (f"{one.since:%Y-%m-%d %H:%M} to {one.until:%Y-%m-%d %H:%M}" for one in (found.before, found.after))
    head = (found.after.by, "before", "now", "change", "")
    return Document(
        "", (paragraph(f"{before}, then {after} UTC"), table(head, map(_change_row, (*found.rows, found.total))))
    )


def review_document(found: Review) -> Document:
    """What would save most, where the own machine breaks even, and the price of tokens."""
    return Document("", (*_savings(found), *_machine_and_prices(found)))


def full_document(found: FullReport) -> Document:
    """Everything: totals by agent, model, intent, tag and day, the review, and where the month ends."""
    report = found.by_agent
    tables = [one for one in (report, found.by_model, found.by_intent, found.by_tag) if one is not None]
    return Document(
        f"Spend, {report.since:%Y-%m-%d} to {report.until:%Y-%m-%d} (UTC)",
        (
            Bullets(tuple(_summary(found))),
            *_savings(found.review),
            *(block for one in tables for block in (SectionHeading(f"By {one.by}"), _spend_table(one))),
            SectionHeading("By day"),
            DailySpend(found.by_day.rows) if found.by_day.rows else paragraph("No requests."),
            *_machine_and_prices(found.review),
        ),
    )


def _savings(found: Review) -> Iterator[Block]:
    yield SectionHeading("What would save most")
    if found.recommendations:
        yield Recommendations(found.recommendations)
    else:
        yield paragraph("Nothing was found that is worth a cent a month.")


def _machine_and_prices(found: Review) -> Iterator[Block]:
    yield SectionHeading("Break-even of the own machine")
    yield from _break_even(found.break_even)
    yield SectionHeading("Price of a token, tokens of a request")
    yield _price_table(found.months)


def _summary(found: FullReport) -> Iterator[tuple[Inline, ...]]:
    total = found.by_agent.total
    cost = Strong(usd_fine(total.cost_usd))
    ended = f"{total.requests:,} requests ({total.failed:,} failed, {total.refused:,} more refused) cost "
    yield ended, cost, f"; all-cloud {usd_fine(total.baseline_usd)}"
    share = f" ({total.saved_usd / total.baseline_usd:.0%} of all-cloud)" if total.baseline_usd else ""
    parts = (f"{name.replace('_', ' ')} {usd_fine(getattr(total.saved_by, name))}" for name in SAVING_PARTS)
    yield (f"saved {usd_fine(total.saved_usd)}{share}: {', '.join(parts)}",)
    if month := found.forecast:
        span = f" ({usd_cents(month.low_usd)} to {usd_cents(month.high_usd)} nine times in ten)"
        yield "the month ends at about ", Strong(usd_cents(month.month_end_usd)), span


def _break_even(found: BreakEven) -> Iterator[Block]:
    note = f"{found.note[:1].upper()}{found.note[1:]}."
    if not found.curve:
        yield paragraph(note)
        return
    at = "never" if found.at_requests is None else f"from {found.at_requests:,} requests a month"
    yield paragraph(f"The own machine is cheaper than the cloud {at}; now {found.requests_month:,}. {note}")
    yield BreakEvenCurve(found.curve)


def _spend_table(report: SpendReport) -> DataTable:
    lines = (
        (
            line.key,
            *(f"{count:,}" for count in (line.requests, line.failed, line.refused)),
            *map(usd_fine, (line.cost_usd, line.baseline_usd, line.saved_usd)),
        )
        for line in (*report.rows, report.total)
    )
    return table((report.by, "requests", "failed", "refused", "cost", "all-cloud", "saved"), lines)


def _price_table(months: Iterable[PriceMonth]) -> DataTable:
    lines = (
        (
            one.month,
            UNKNOWN if one.usd_per_mtok is None else usd_fine(one.usd_per_mtok),
            UNKNOWN if one.tokens_per_request is None else f"{one.tokens_per_request:,.0f}",
            f"{one.requests:,}",
            usd_fine(one.cost_usd),
        )
        for one in months
    )
    return table(("month", "a million tokens", "tokens a request", "paid requests", "total"), lines)


def _totals_row(line: ReportLine) -> tuple[str, ...]:
    share = f"{line.saved_usd / line.baseline_usd:.0%}" if line.baseline_usd else UNKNOWN
    money = usd_fine(line.cost_usd), usd_fine(line.baseline_usd), usd_fine(line.saved_usd)
    counts = (f"{count:,}" for count in (line.requests, line.failed, line.refused))
    cached = f"{line.cached_input_tokens / line.input_tokens:.0%}" if line.input_tokens else UNKNOWN
    return line.key, *counts, *money, share, f"{line.input_tokens:,}", cached, f"{line.output_tokens:,}"


def _change_row(row: Change) -> tuple[str, ...]:
    share = "" if row.share is None else f"{row.share:+.0%}"
    return row.key, usd_fine(row.before.cost_usd), usd_fine(row.after.cost_usd), usd_fine(row.cost_usd), share
