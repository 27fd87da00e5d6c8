"""The ledger's cost in the FinOps Open Cost and Usage Specification (FOCUS), for the tools that read it.

A record is one day, agent, engine, zone, model and tag. The columns are those that FOCUS 1.0 to 1.3 require or
recommend. Values that one machine cannot know are null. Answers of the cache and of local engines are listed too,
at cost 0.
"""

import json
import sqlite3
from datetime import UTC, datetime, timedelta

from backends.finops.data_writer import csv_text
from backends.finops.discounts import discounts
from backends.ledger.prices import Prices
from backends.ledger.rollups import By, RollupSum, sums
from backends.types import CACHE, LOCAL

COLUMNS = (
    "AvailabilityZone",
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
    "CommitmentDiscountCategory",
    "CommitmentDiscountId",
    "CommitmentDiscountName",
    "CommitmentDiscountStatus",
    "CommitmentDiscountType",
    "ConsumedQuantity",
    "ConsumedUnit",
    "ContractedCost",
    "ContractedUnitPrice",
    "EffectiveCost",
    "HostProviderName",
    "InvoiceIssuerName",
    "ListCost",
    "ListUnitPrice",
    "PricingCategory",
    "PricingQuantity",
    "PricingUnit",
    "ProviderName",
    "PublisherName",
    "RegionId",
    "RegionName",
    "ResourceId",
    "ResourceName",
    "ResourceType",
    "ServiceCategory",
    "ServiceName",
    "ServiceProviderName",
    "ServiceSubcategory",
    "SkuId",
    "SkuPriceId",
    "SubAccountId",
    "SubAccountName",
    "Tags",
)

SELF_HOSTED = "Self-hosted"

CHARGE: tuple[By, ...] = ("day", "agent", "engine", "zone", "model", "tag")


def focus_csv(db: sqlite3.Connection, *, since: datetime, until: datetime, prices: Prices) -> str:
    """CSV with FOCUS's own column names; instants are ISO 8601 UTC, ends exclusive, money in USD."""
    charges = sums(db, since=since, until=until, discount=discounts(prices), by=CHARGE)
    charges.sort(key=lambda charge: tuple(getattr(charge, name) for name in CHARGE))
    return csv_text(COLUMNS, (_record(charge, *_provider(charge, prices)) for charge in charges))


def _provider(charge: RollupSum, prices: Prices) -> tuple[str, str]:
    """Who provides what answered, and the service."""
    if charge.engine == CACHE:
        return SELF_HOSTED, "Cache"
    if charge.zone == LOCAL:
        return SELF_HOSTED, "Local engine"
    provider = prices.provider(charge.engine) or charge.engine
    return provider, "Gemini API" if provider == "Google" else f"{provider} API"


def _record(charge: RollupSum, provider: str, service: str) -> list[str]:
    day = datetime.fromisoformat(charge.day).replace(tzinfo=UTC)
    month = day.replace(day=1)
    cost, tokens = f"{charge.cost_usd:f}", charge.input_tokens + charge.output_tokens + charge.thinking_tokens
    tags = {"agent": charge.agent, "engine": charge.engine} | ({"tag": charge.tag} if charge.tag else {})
    values = {
        "BilledCost": cost,
        "BillingAccountId": "claw",
        "BillingAccountName": "claw",
        "BillingCurrency": "USD",
        "BillingPeriodEnd": _instant((month + timedelta(days=32)).replace(day=1)),
        "BillingPeriodStart": _instant(month),
        "ChargeCategory": "Usage",
        "ChargeDescription": f"{charge.requests} requests of {charge.agent} to {charge.model}",
        "ChargeFrequency": "Usage-Based",
        "ChargePeriodEnd": _instant(day + timedelta(days=1)),
        "ChargePeriodStart": _instant(day),
        "ConsumedQuantity": str(tokens),
        "ConsumedUnit": "Tokens",
        "ContractedCost": cost,
        "EffectiveCost": cost,
        "HostProviderName": provider,
        "InvoiceIssuerName": provider,
        "ListCost": f"{charge.cost_usd + charge.provider_discount_usd:f}",
        "PricingCategory": "Standard",
        "PricingQuantity": str(tokens),
        "PricingUnit": "Tokens",
        "ProviderName": provider,
        "PublisherName": provider,
        "ResourceId": charge.model,
        "ResourceName": charge.model,
        "ResourceType": "Model",
        "ServiceCategory": "AI and Machine Learning",
        "ServiceName": service,
        "ServiceProviderName": provider,
        "ServiceSubcategory": "Generative AI",
        "SkuId": charge.model,
        "SkuPriceId": charge.model,
        "SubAccountId": charge.agent,
        "SubAccountName": charge.agent,
        "Tags": json.dumps(tags),
    }
    return [values.get(name, "") for name in COLUMNS]


def _instant(moment: datetime) -> str:
    return f"{moment:%Y-%m-%dT%H:%M:%SZ}"
