"""Whether the tables about money can be worked with: amounts, moments, currencies and time zones."""

from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from backends.errors import WrongSettings

if TYPE_CHECKING:
    from backends.settings.model import Settings
    from backends.settings.money import Budget, Price

SCOPES = ("agent", "group", "engine", "model")
LONGEST_NAME = 128

MOST, FINEST = 12, -12
"""Powers of ten that an amount may reach and be given to: beyond them sums lose digits, or take memory to write."""


def check_money(settings: "Settings", path: Path) -> None:
    """Raises WrongSettings for the first value that would only fail once it is used."""
    for index, budget in enumerate(settings.budgets):
        _check_budget(index, budget, path)
        kind, _, name = budget.scope.partition(":")
        if kind == "engine" and name not in settings.engines:
            known = ", ".join(settings.engines)
            raise WrongSettings(f'{path}: `budgets[{index}].scope` is "{budget.scope}": the engines are {known}')
    for model, price in settings.prices.items():
        _check_price(model, price, path)
    money, local = settings.money, settings.costs.local
    _check_zone("money.timezone", money.timezone, path)
    if not (money.currency.isascii() and money.currency.isalpha() and len(money.currency) == 3):
        raise WrongSettings(f'{path}: `money.currency` must be three letters, as "EUR"')
    if not is_amount(money.rate) or money.rate == 0:
        raise WrongSettings(f'{path}: `money.rate` must be above 0, as "0.92"')
    for name, engine in settings.engines.items():
        if not engine.discount.is_finite() or not 0 <= engine.discount < 1:
            raise WrongSettings(f'{path}: `engines.{name}.discount` must be from 0 to below 1, as "0.15"')
    for name in ("kwh_usd", "hardware_usd", "rent_usd_month"):
        if not is_amount(getattr(local, name)):
            raise WrongSettings(f'{path}: `costs.local.{name}` must be 0 or more, as "0.30"')


def _check_budget(index: int, budget: "Budget", path: Path) -> None:
    if not is_scope(budget.scope):
        raise WrongSettings(
            f'{path}: `budgets[{index}].scope` is "{budget.scope}":'
            " use all, agent:NAME, group:NAME, engine:NAME or model:NAME"
        )
    if not is_amount(budget.limit_usd):
        raise WrongSettings(f'{path}: `budgets[{index}].limit_usd` must be 0 or more, as "5.00"')
    _check_zone(f"budgets[{index}].timezone", budget.timezone, path)


def is_scope(scope: str) -> bool:
    """Can a budget count that? A model, an agent or an engine may come into being later."""
    kind, _, name = scope.partition(":")
    return scope == "all" or (kind in SCOPES and 0 < len(name) <= LONGEST_NAME and name.isprintable())


def _check_price(model: str, price: "Price", path: Path) -> None:
    where = f'{path}: `prices."{model}"'
    later = [tier for change in price.changes for tier in change.tiers]
    for section in (price, *price.tiers, *price.changes, *later):
        for name, usd in msgspec.structs.asdict(section).items():
            if name.endswith("_usd") and not is_amount(usd):
                raise WrongSettings(f'{where}.{name}` must be 0 or more, as "0.30"')
    first = [] if price.valid_from is None else [price.valid_from]
    moments = [*first, *(change.valid_from for change in price.changes)]
    if moments != sorted(set(moments)):
        raise WrongSettings(f"{where}.changes` must come in the order of their valid_from, each moment once")


def is_amount(usd: Decimal | None) -> bool:
    """Is it 0 or more, and no larger or finer than money is?"""
    if usd is None:
        return True
    exponent = usd.as_tuple().exponent  # a letter for what is no number
    return isinstance(exponent, int) and exponent >= FINEST and usd.adjusted() <= MOST and usd >= 0


def _check_zone(name: str, zone: str | None, path: Path) -> None:
    if zone is None:
        return
    from zoneinfo import ZoneInfo

    try:
        ZoneInfo(zone)
    except (ValueError, OSError, LookupError):
        raise WrongSettings(f'{path}: `{name}` must be a time zone of this machine, as "Europe/Berlin"') from None
