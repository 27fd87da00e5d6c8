"""The ledger's cost in the FinOps Open Cost and Usage Specification (FOCUS), for the tools that read it.

A record is one day, agent, engine, model and tag. The columns are those that FOCUS 1.0 to 1.3 require or recommend;
where one machine cannot know a value it is null. What the cache answered and what the local engine did is billed by
nobody and listed all the same.
"""

import json
import sqlite3
from collections import defaultdict
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from msgspec import Struct

from backends.finops.discounts import discounts
from backends.finops.rendering import csv_text
from backends.ledger.prices import Prices
from backends.ledger.rollups import By, sums
from backends.types import ZERO

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

PROVIDERS = {
    "cloud": ("Google", "Gemini API"),
    "local": ("Self-hosted", "Local engine"),
    "cache": ("Self-hosted", "Cache"),
}


CHARGE: tuple[By, ...] = ("day", "agent", "engine", "model", "tag")


class Charge(Struct, frozen=True):
    """What records are about; `day` is UTC, `tag` "" for none."""

    day: str
    agent: str
    engine: str
    model: str
    tag: str


class Usage(Struct, frozen=True):
    requests: int = 0
    tokens: int = 0
    usd: Decimal = ZERO
    discount_usd: Decimal = ZERO


def focus_csv(db: sqlite3.Connection, *, since: datetime, until: datetime, prices: Prices) -> str:
    """CSV with FOCUS's own column names; instants are ISO 8601 UTC, ends exclusive, money in USD."""
    usage: defaultdict[Charge, Usage] = defaultdict(Usage)
    for part in sums(db, since=since, until=until, discount=discounts(prices), by=CHARGE):
        charge = Charge(part.day, part.agent, part.engine, part.model, part.tag)
        known = usage[charge]
        usage[charge] = Usage(
            requests=known.requests + part.requests,
            tokens=known.tokens + part.input_tokens + part.output_tokens + part.thinking_tokens,
            usd=known.usd + part.cost_usd,
            discount_usd=known.discount_usd + part.provider_discount_usd,
        )
    order = sorted(usage, key=lambda charge: (charge.day, charge.agent, charge.engine, charge.model, charge.tag))
    return csv_text(COLUMNS, (_record(charge, usage[charge]) for charge in order))


def _record(charge: Charge, usage: Usage) -> list[str]:
    day = datetime.fromisoformat(charge.day).replace(tzinfo=UTC)
    month = day.replace(day=1)
    provider, service = PROVIDERS[charge.engine]
    tags = {"agent": charge.agent, "engine": charge.engine} | ({"tag": charge.tag} if charge.tag else {})
    values = {
        "BilledCost": f"{usage.usd:f}",
        "BillingAccountId": "claw",
        "BillingAccountName": "claw",
        "BillingCurrency": "USD",
        "BillingPeriodEnd": _instant((month + timedelta(days=32)).replace(day=1)),
        "BillingPeriodStart": _instant(month),
        "ChargeCategory": "Usage",
        "ChargeDescription": f"{usage.requests} requests of {charge.agent} to {charge.model}",
        "ChargeFrequency": "Usage-Based",
        "ChargePeriodEnd": _instant(day + timedelta(days=1)),
        "ChargePeriodStart": _instant(day),
        "ConsumedQuantity": str(usage.tokens),
        "ConsumedUnit": "Tokens",
        "ContractedCost": f"{usage.usd:f}",
        "EffectiveCost": f"{usage.usd:f}",
        "HostProviderName": provider,
        "InvoiceIssuerName": provider,
        "ListCost": f"{usage.usd + usage.discount_usd:f}",
        "PricingCategory": "Standard",
        "PricingQuantity": str(usage.tokens),
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
