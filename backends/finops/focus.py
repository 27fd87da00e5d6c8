"""The ledger's cost in the FinOps Open Cost and Usage Specification (FOCUS 1.2), for the tools that read it.

A record is one day, agent, engine and model. What the cache answered and what the local engine did cost nothing and
are listed all the same. Columns that FOCUS allows to be null and one machine cannot know are left out.
"""

import json
import sqlite3
from datetime import UTC, datetime, timedelta

from backends.finops.rendering import csv_text
from backends.ledger.rows import stamp

COLUMNS = (
    "BilledCost",
    "BillingAccountId",
    "BillingAccountName",
    "BillingCurrency",
    "BillingPeriodEnd",
    "BillingPeriodStart",
    "ChargeCategory",
    "ChargeClass",
    "ChargeDescription",
    "ChargeFrequency",
    "ChargePeriodEnd",
    "ChargePeriodStart",
    "ConsumedQuantity",
    "ConsumedUnit",
    "ContractedCost",
    "EffectiveCost",
    "InvoiceIssuerName",
    "ListCost",
    "PricingQuantity",
    "PricingUnit",
    "ProviderName",
    "PublisherName",
    "ServiceCategory",
    "ServiceName",
    "ServiceSubcategory",
    "SkuId",
    "Tags",
)

PROVIDERS = {
    "cloud": ("Google", "Gemini API"),
    "local": ("Self-hosted", "Local engine"),
    "cache": ("Self-hosted", "Cache"),
}


def focus_csv(db: sqlite3.Connection, *, since: datetime, until: datetime) -> str:
    """CSV with FOCUS's own column names; instants are ISO 8601 UTC, ends exclusive, money in USD."""
    rows = db.execute(USAGE, (stamp(since), stamp(until)))
    return csv_text(COLUMNS, (_record(row) for row in rows))


def _record(row: sqlite3.Row) -> list[str]:
    day = datetime.fromisoformat(row["day"]).replace(tzinfo=UTC)
    month = day.replace(day=1)
    next_month = (month + timedelta(days=32)).replace(day=1)
    provider, service = PROVIDERS[row["engine"]]
    cost, tokens = row["cost"], str(row["tokens"])
    values = {
        "BilledCost": cost,
        "BillingAccountId": "claw",
        "BillingAccountName": "claw",
        "BillingCurrency": "USD",
        "BillingPeriodEnd": _instant(next_month),
        "BillingPeriodStart": _instant(month),
        "ChargeCategory": "Usage",
        "ChargeClass": "",
        "ChargeDescription": f"{row['requests']} requests of {row['agent']} to {row['model']}",
        "ChargeFrequency": "Usage-Based",
        "ChargePeriodEnd": _instant(day + timedelta(days=1)),
        "ChargePeriodStart": _instant(day),
        "ConsumedQuantity": tokens,
        "ConsumedUnit": "Tokens",
        "ContractedCost": cost,
        "EffectiveCost": cost,
        "InvoiceIssuerName": provider,
        "ListCost": cost,
        "PricingQuantity": tokens,
        "PricingUnit": "Tokens",
        "ProviderName": provider,
        "PublisherName": provider,
        "ServiceCategory": "AI and Machine Learning",
        "ServiceName": service,
        "ServiceSubcategory": "Generative AI",
        "SkuId": row["model"],
        "Tags": json.dumps({"agent": row["agent"], "engine": row["engine"]}),
    }
    return [values[name] for name in COLUMNS]


def _instant(moment: datetime) -> str:
    return f"{moment:%Y-%m-%dT%H:%M:%SZ}"


USAGE = """
SELECT substr(started_at, 1, 10) AS day, agent, engine, model, count(*) AS requests, usd_sum(cost_usd) AS cost,
       sum(input_tokens + output_tokens + thinking_tokens) AS tokens
FROM requests WHERE started_at >= ? AND started_at < ?
GROUP BY 1, 2, 3, 4 ORDER BY 1, 2, 3, 4
"""
