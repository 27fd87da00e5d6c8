"""The FOCUS export against the specification's own rules for every column it has (versions 1.0 to 1.3)."""

import csv
import io
import json
import re
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backends.finops.focus import COLUMNS, focus_csv
from backends.ledger.prices import Prices, PriceSource
from tests.backends.finops.ledgers import filled, opened
from tests.backends.ledger.samples import COST, MODEL, attempt, outcome

INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")
NEVER_NULL = [
    "BilledCost",
    "BillingAccountId",
    "BillingCurrency",
    "BillingPeriodEnd",
    "BillingPeriodStart",
    "ChargeCategory",
    "ChargeDescription",
    "ChargeFrequency",
    "ChargePeriodEnd",
    "ChargePeriodStart",
    "ContractedCost",
    "EffectiveCost",
    "HostProviderName",
    "InvoiceIssuerName",
    "ListCost",
    "PricingQuantity",
    "PricingUnit",
    "ProviderName",
    "PublisherName",
    "ServiceCategory",
    "ServiceName",
    "ServiceProviderName",
    "SkuId",
    "SkuPriceId",
]
MONEY = ("BilledCost", "ContractedCost", "EffectiveCost", "ListCost")
ALLOWED = {
    "BillingCurrency": {"USD"},
    "ChargeCategory": {"Usage", "Purchase", "Tax", "Credit", "Adjustment"},
    "ChargeClass": {"", "Correction"},
    "ChargeFrequency": {"One-Time", "Recurring", "Usage-Based"},
    "PricingCategory": {"Standard", "Dynamic", "Committed", "Other"},
    "ServiceCategory": {"AI and Machine Learning"},
    "ServiceSubcategory": {"Generative AI"},
}
NOW = datetime(2026, 3, 31, 23, 30, tzinfo=UTC)


def faults(record: dict[str, str]) -> list[str]:
    found = [f"{name} is null" for name in NEVER_NULL if not record[name]]
    found += [f"{name}: {record[name]}" for name, values in ALLOWED.items() if record[name] not in values]
    found += [f"{name} is negative" for name in MONEY if Decimal(record[name]) < 0]
    found += [name for name in record if name.endswith(("Start", "End")) and not INSTANT.fullmatch(record[name])]
    for span in ("BillingPeriod", "ChargePeriod"):
        if record[f"{span}Start"] >= record[f"{span}End"]:
            found.append(f"{span} ends before it starts")
    if not record["BillingPeriodStart"] <= record["ChargePeriodStart"] < record["BillingPeriodEnd"]:
        found.append("the charge lies outside its billing period")
    if not all(isinstance(value, str) for value in json.loads(record["Tags"]).values()):
        found.append("Tags are no object of texts")
    if Decimal(record["ListCost"]) < Decimal(record["ContractedCost"]):
        found.append("a discount below zero")
    return found


@given(
    st.lists(
        st.tuples(
            st.integers(0, 60 * 24 * 40), st.sampled_from(["cloud", "local", "cache"]), st.sampled_from(["=sum", "ada"])
        ),
        max_size=12,
    )
)
@settings(deadline=None, max_examples=30)
def test_every_record_keeps_the_rules_and_no_cent_is_lost(rows: list[tuple[int, str, str]]) -> None:
    outcomes = [
        outcome(
            str(index),
            *([] if engine == "cache" else [attempt(COST if engine == "cloud" else "0", engine=engine)]),
            at=NOW - timedelta(minutes=ago),
            agent=agent,
            tag="project" if index % 2 else None,
        )
        for index, (ago, engine, agent) in enumerate(rows)
    ]
    with filled(*outcomes) as db:
        text = focus_csv(db, since=NOW - timedelta(days=60), until=NOW + timedelta(days=1), prices=Prices({}))
    records = list(csv.DictReader(io.StringIO(text)))
    assert [faults(record) for record in records] == [[]] * len(records)
    paid = sum(engine == "cloud" for _, engine, _ in rows)
    assert sum((Decimal(record["BilledCost"]) for record in records), Decimal(0)) == paid * COST
    # Each paid call had 200 of its 1,000 input tokens from the provider's cache: 200 × 0.27 a million less.
    assert sum(Decimal(record["ListCost"]) for record in records) <= paid * (COST + Decimal("0.000054"))


def test_columns_come_in_one_order_and_only_once() -> None:
    assert list(COLUMNS) == sorted(set(COLUMNS))
    with opened() as db:
        text = focus_csv(db, since=NOW - timedelta(days=1), until=NOW, prices=Prices({}))
    assert text.strip().split(",") == list(COLUMNS)


@pytest.mark.proves("S34")
def test_names_that_are_formulas_are_quoted_and_tags_are_kept() -> None:
    with filled(outcome("a", attempt(), at=NOW, agent="=cmd()", tag="project")) as db:
        text = focus_csv(db, since=NOW - timedelta(days=1), until=NOW + timedelta(days=1), prices=Prices({}))
    (record,) = csv.DictReader(io.StringIO(text))
    assert record["SubAccountId"] == "'=cmd()"
    assert json.loads(record["Tags"]) == {"agent": "=cmd()", "engine": "cloud", "tag": "project"}
    assert record["SkuId"] == MODEL


def test_engines_of_any_name_have_their_provider() -> None:
    sources = {"backup": PriceSource(base_url="https://openrouter.ai/api/v1"), "small": None}
    rows = (
        outcome("a", attempt(engine="backup", model="anthropic/claude-sonnet-4"), at=NOW, agent="a"),
        outcome("b", attempt("0", engine="small", model="qwen2.5:3b", zone="local"), at=NOW, agent="b"),
        outcome("c", attempt(engine="gone", model="gpt-5"), at=NOW, agent="c"),
    )
    with filled(*rows) as db:
        prices = Prices({}, sources)
        text = focus_csv(db, since=NOW - timedelta(days=1), until=NOW + timedelta(days=1), prices=prices)
    records = list(csv.DictReader(io.StringIO(text)))
    assert [faults(record) for record in records] == [[], [], []]
    assert [(record["ProviderName"], record["ServiceName"]) for record in records] == [
        ("OpenRouter", "OpenRouter API"),
        ("Self-hosted", "Local engine"),
        ("gone", "gone API"),
    ]
