"""Rows about money that several parts of the screen show: a budget as a bar, and where a saving comes from."""

from decimal import Decimal

from backends.text.measures import share
from backends.text.usd import usd_cents
from backends.types import ZERO, BudgetState, SavedBy
from console.present.charts import bar
from console.present.spans import Row, Tone, span
from console.present.wrapping import wrap

SAVING_PARTS = (
    ("routing", "routing"),
    ("exact_cache", "exact cache"),
    ("semantic_cache", "semantic cache"),
    ("provider_cache", "prefix cache"),
    ("optimisation", "optimised"),
)
"""The fields of SavedBy, each with its name on screen."""


def budget_bar(budget: BudgetState, cells: int) -> Row:
    """Spent, reserved and free of a budget as one line."""
    if budget.limit_usd <= 0:
        return bar((1.0, "bad", "━"), cells=cells)
    spent, reserved = (float(amount / budget.limit_usd) for amount in (budget.spent_usd, budget.reserved_usd))
    tone: Tone = "bad" if spent >= 0.95 else "warn" if spent >= 0.8 else "good"
    return bar((spent, tone, "━"), (reserved, "warn", "╍"), cells=cells)


def beside_cache(baseline: Decimal | None, saved: Decimal | None, cells: int) -> list[Row]:
    """The saving against the cloud alone with its own prefix cache; no row where that baseline is not known or zero."""
    if not baseline or saved is None:
        return []
    spans = [
        span("against the cloud alone with its prefix cache, ", "dim"),
        span(usd_cents(baseline)),
        span(": saved ", "dim"),
        span(usd_cents(saved), _tone(saved)),
        span(f" ({share(saved, baseline)})", "dim"),
    ]
    return wrap(spans, max(1, cells))


def _tone(saved: Decimal) -> Tone:
    return "good" if saved > 0 else "warn"


def saved_by(saved: SavedBy, remark: str, cells: int) -> list[Row]:
    """The whole saving with a remark, then its parts. Parts of zero are left out; the others add up to the whole."""
    parts = [(name, amount) for field, name in SAVING_PARTS if (amount := getattr(saved, field))]
    whole = sum((amount for _, amount in parts), ZERO)
    if not whole:
        return []
    spans = [span("saved ", "dim"), span(usd_cents(whole), _tone(whole)), span(f" ({remark}):", "dim")]
    for index, (name, amount) in enumerate(parts):
        comma = "," if index < len(parts) - 1 else ""
        spans += [span(f" {name} ", "dim"), span(f"{usd_cents(amount)}{comma}")]
    return wrap(spans, max(1, cells))
