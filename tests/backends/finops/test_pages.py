"""Reports for people: the comparison, the review, Markdown and HTML, all with foreign names made harmless."""

import re
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from html.parser import HTMLParser

import pytest

from backends.finops.compare import compare
from backends.finops.full_report import FullReport, full_report
from backends.finops.html_writer import as_html
from backends.finops.markdown_writer import as_markdown
from backends.finops.report_documents import comparison_document, full_document, review_document
from backends.finops.review import review
from backends.finops.text_writer import as_text
from backends.ledger.prices import Prices
from backends.settings.model import Settings
from backends.settings.money import Costs, LocalCosts
from backends.types import Outcome
from tests.backends.finops.ledgers import filled
from tests.backends.ledger.samples import COST, attempt, outcome

NOW = datetime(2026, 6, 30, 12, tzinfo=UTC)
PRICES = Prices({})
HOSTILE = "<script>alert(1)</script>|`[x](javascript:1)\x1b[2J"
RENTED = Settings(costs=Costs(local=LocalCosts(rent_usd_month=Decimal(90), kwh_usd=Decimal("0.3"), power_w=200)))


def rows() -> list[Outcome]:
    found = [outcome(f"p{day}", attempt(), at=NOW - timedelta(days=day), agent="writer") for day in range(1, 12)]
    found += [
        outcome(f"l{day}", attempt("0", engine="local", model="qwen2.5:14b"), at=NOW - timedelta(days=day))
        for day in range(1, 12)
    ]
    return [*found, outcome("h", attempt("1"), at=NOW - timedelta(hours=1), agent=HOSTILE, finish="length")]


@pytest.fixture(scope="module")
def month() -> FullReport:
    with filled(*rows()) as db:
        return full_report(db, since=NOW - timedelta(days=30), until=NOW, settings=RENTED, prices=PRICES, timezone=UTC)


class Tags(HTMLParser):
    """What a browser would see."""

    def __init__(self) -> None:
        super().__init__()
        self.names: set[str] = set()
        self.addresses: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.names.add(tag)
        self.addresses += [value or "" for name, value in attrs if name in ("src", "href", "action")]


def test_tags_have_a_table_where_there_are_any(month: FullReport) -> None:
    assert "By tag" not in as_html(full_document(month)) + as_markdown(full_document(month))
    tagged = outcome("t", attempt("1"), at=NOW - timedelta(hours=1), tag="team-a")
    with filled(tagged) as db:
        found = full_report(db, since=NOW - timedelta(days=30), until=NOW, settings=RENTED, prices=PRICES, timezone=UTC)
    assert "<h2>By tag</h2>" in as_html(full_document(found))
    assert "| team-a | 1 |" in as_markdown(full_document(found))


def test_html_stands_alone_and_runs_nothing_of_anybodys(month: FullReport) -> None:
    page = as_html(full_document(month))
    seen = Tags()
    seen.feed(page)
    assert "script" not in seen.names
    assert {"svg", "polyline", "rect", "table"} <= seen.names
    assert seen.addresses == []
    assert "\x1b" not in page
    assert "&lt;script&gt;" in page


def test_markdown_shows_names_as_they_are(month: FullReport) -> None:
    text = as_markdown(full_document(month))
    outside = re.sub("`[^`\n]*`", "", text.replace("\\`", ""))
    assert not re.search(r"(?<!\\)<script", outside)
    assert "\\<script\\>" in outside
    assert "\x1b" not in text
    assert "| total | 23 |" in text
    assert "## Break-even" in text


def test_both_say_the_same_total(month: FullReport) -> None:
    assert month.by_agent.total.cost_usd == 11 * COST + 1
    assert "$1.01" in as_html(full_document(month))
    assert "$1.01" in as_markdown(full_document(month))


def test_the_forecast_is_in_both(month: FullReport) -> None:
    assert month.forecast is not None
    assert "nine times in ten" in as_html(full_document(month))
    assert "nine times in ten" in as_markdown(full_document(month))


def test_an_empty_ledger_makes_whole_pages() -> None:
    with filled() as db:
        since, settings = NOW - timedelta(days=1), Settings()
        found = full_report(db, since=since, until=NOW, settings=settings, prices=PRICES, timezone=UTC)
    assert "No requests." in as_html(full_document(found))
    assert "No requests." in as_markdown(full_document(found))
    assert "costs.local.rent_usd_month" in as_html(full_document(found))


def test_a_comparison_has_both_spans_and_what_came_and_went() -> None:
    early, late = NOW - timedelta(days=9), NOW - timedelta(days=2)
    with filled(
        outcome("a", attempt("1"), at=early, agent="gone"),
        outcome("b", attempt("2"), at=early, agent="stays"),
        outcome("c", attempt("3"), at=late, agent="stays"),
        outcome("d", attempt("5"), at=late, agent="new"),
    ) as db:
        found = compare(db, since=NOW - timedelta(days=7), until=NOW, by="agent", prices=PRICES)
    assert [(row.key, row.cost_usd, row.share) for row in found.rows] == [
        ("new", 5, None),
        ("gone", -1, -1),
        ("stays", 1, Decimal("0.5")),
    ]
    assert (found.total.before.cost_usd, found.total.after.cost_usd) == (3, 8)
    assert "+167%" in as_text(comparison_document(found))


def test_a_review_as_text_has_every_part() -> None:
    with filled(*rows()) as db:
        text = as_text(review_document(review(db, settings=RENTED, prices=PRICES, now=NOW)))
    for part in ("What would save most", "try: claw config set", "Break-even", "own machine", "2026-06"):
        assert part in text
    assert "\x1b" not in text
