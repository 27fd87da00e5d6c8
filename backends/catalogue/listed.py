"""What the price table knows of Google's models beside their prices."""

from functools import cache

from msgspec import Struct


class Listed(Struct, frozen=True):
    """`window` is None where the table does not say."""

    deprecated: bool
    window: int | None


@cache
def _google() -> dict[str, Listed]:
    from genai_prices.data import providers

    google = next(provider for provider in providers if provider.id == "google")
    return {model.id: Listed(bool(model.deprecated), model.context_window) for model in google.models}


def models() -> frozenset[str]:
    """Their names."""
    return frozenset(_google())


def listed(model: str) -> Listed | None:
    """None for one that the table does not have under this name."""
    return _google().get(model)
