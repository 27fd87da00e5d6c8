"""What a setting's type cannot say: whether the values of a well-formed claw.toml can be worked with."""

from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import msgspec

from backends.errors import WrongSettings

if TYPE_CHECKING:
    from backends.settings import Budget, Price, Settings


def check(settings: "Settings", path: Path) -> None:
    """Raises WrongSettings for the first value that would only fail once it is used."""
    for index, budget in enumerate(settings.budgets):
        _check_budget(index, budget, path)
    for model, price in settings.prices.items():
        _check_price(model, price, path)
    for name, url in (
        ("engines.local.base_url", settings.engines.local.base_url),
        ("engines.cloud.base_url", settings.engines.cloud.base_url),
    ):
        if url is not None and not _is_address(url):
            raise WrongSettings(f"{path}: `{name}` must be an http:// or https:// address")
    _check_patterns(settings.privacy.patterns, path)
    _check_cache(settings, path)
    if not _is_loopback(settings.gateway.host):
        raise WrongSettings(
            f"{path}: `gateway.host` must be a loopback address, as 127.0.0.1: there is no TLS, reach it by a tunnel"
        )


def _check_budget(index: int, budget: "Budget", path: Path) -> None:
    kind, _, name = budget.scope.partition(":")
    if budget.scope != "all" and (kind not in ("agent", "engine", "model") or not name):
        raise WrongSettings(
            f'{path}: `budgets[{index}].scope` is "{budget.scope}": use all, agent:NAME, engine:NAME or model:NAME'
        )
    if not budget.limit_usd.is_finite() or budget.limit_usd < 0:
        raise WrongSettings(f'{path}: `budgets[{index}].limit_usd` must be 0 or more, as "5.00"')


def _check_price(model: str, price: "Price", path: Path) -> None:
    for name, usd in msgspec.structs.asdict(price).items():
        if usd is not None and (not usd.is_finite() or usd < 0):
            raise WrongSettings(f'{path}: `prices."{model}".{name}` must be 0 or more, as "0.30"')


def _is_address(url: str) -> bool:
    """Whether it is http:// or https:// with a host, and a port, where it has one, that exists."""
    try:
        parts = urlsplit(url)
        return parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False


def _check_patterns(patterns: tuple[str, ...], path: Path) -> None:
    """Compiled as they will be; the module for it is only loaded where there are some."""
    if not patterns:
        return
    from backends.patterns import compiled

    try:
        for index, pattern in enumerate(patterns):
            compiled(index, pattern)
    except WrongSettings as error:
        raise WrongSettings(f"{path}: {error}") from None


def _check_cache(settings: "Settings", path: Path) -> None:
    """Intents, scopes and an embedder that exist; only what a file sets is looked at."""
    kind, _, model = settings.cache.embedder.partition(":")
    if kind not in ("auto", "sentence-transformers", "onnx", "ollama") or (kind == "ollama") != bool(model):
        raise WrongSettings(f"{path}: `cache.embedder` must be auto, sentence-transformers, onnx or ollama:MODEL")
    for name, agent in settings.agents.items():
        scope, _, group = agent.cache_scope.partition(":")
        if scope not in ("agent", "group", "all") or (scope == "group") != bool(group):
            raise WrongSettings(f"{path}: `agents.{name}.cache_scope` must be agent, group:NAME or all")
    if settings.cache.ttl_s:
        from backends.cache.lifetime import LIFETIME_S

        for intent in settings.cache.ttl_s:
            if intent not in LIFETIME_S:
                raise WrongSettings(f"{path}: `cache.ttl_s.{intent}` is no intent: use one of {', '.join(LIFETIME_S)}")


def _is_loopback(host: str) -> bool:
    if host in ("127.0.0.1", "localhost"):
        return True
    from ipaddress import ip_address

    try:
        return ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False
