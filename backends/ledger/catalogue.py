"""Which models the price table knows of Google's, and which of them their maker is about to retire."""

from functools import cache


@cache
def _known() -> dict[str, bool]:
    from genai_prices.data import providers

    google = next(provider for provider in providers if provider.id == "google")
    return {model.id: bool(model.deprecated) for model in google.models}


def models() -> frozenset[str]:
    return frozenset(_known())


def is_deprecated(model: str) -> bool:
    """As the table says; a model that it does not know is not."""
    return _known().get(model, False)
