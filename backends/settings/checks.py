"""What a setting's type cannot say: whether the values of a well-formed claw.toml can be worked with."""

from collections.abc import Iterator
from math import isfinite
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import msgspec

from backends.errors import WrongSettings
from backends.keep_alive import keep_alive
from backends.settings.models import check_models
from backends.settings.money_checks import check_money, is_amount
from backends.types import INTENTS

if TYPE_CHECKING:
    from backends.settings.agents import Agent
    from backends.settings.model import Settings


def check(settings: "Settings", path: Path) -> None:
    """Raises WrongSettings for the first value that would only fail once it is used."""
    endless = next(_endless(settings, ""), None)
    if endless is not None:
        raise WrongSettings(f"{path}: `{endless}` must be a number with an end")
    check_money(settings, path)
    _check_names(settings, path)
    check_models(settings, path)
    for name, agent in settings.agents.items():
        _check_agent(name, agent, settings, path)
    for name, url in (
        ("engines.local.base_url", settings.engines.local.base_url),
        ("engines.cloud.base_url", settings.engines.cloud.base_url),
        ("engines.cloud.proxy", settings.engines.cloud.proxy),
    ):
        if url is not None and not _is_address(url):
            raise WrongSettings(f"{path}: `{name}` must be an http:// or https:// address")
    local = settings.engines.local
    if local.min_output >= local.context:
        raise WrongSettings(
            f"{path}: `engines.local.min_output` must be less than engines.local.context ({local.context}): it is the"
            " part of it that is left for an answer"
        )
    _check_keep_alive(settings.engines.local.keep_alive, path)
    _check_patterns(settings.privacy.patterns, path)
    _check_hosts(settings.privacy.internal_hosts, path)
    _check_cache(settings, path)
    if not _is_loopback(settings.gateway.host):
        raise WrongSettings(
            f"{path}: `gateway.host` must be a loopback address, as 127.0.0.1: there is no TLS, reach it by a tunnel"
        )


def _endless(value: object, name: str) -> Iterator[str]:
    """The names of all numbers without an end: no clock waits so long, and JSON has no word for them."""
    if isinstance(value, float) and not isfinite(value):
        yield name
    inner = msgspec.structs.asdict(value) if isinstance(value, msgspec.Struct) else value
    if isinstance(inner, dict):
        for key, item in inner.items():
            yield from _endless(item, f"{name}.{key}".lstrip("."))


def _check_names(settings: "Settings", path: Path) -> None:
    """Each agent once, whatever the case; and names of models that mean something and hide no agent's rules."""
    seen: dict[str, str] = {}
    for name in settings.agents:
        if (other := seen.setdefault(name.casefold(), name)) != name:
            raise WrongSettings(f"{path}: `agents.{name}` and `agents.{other}` are one agent: keep one of them")
    engines = settings.engines
    meanings = {"auto", "local", "cloud", *seen, engines.local.model, engines.cloud.model}
    for name, meaning in settings.gateway.models.items():
        if name.casefold() in {"auto", "local", "cloud", *seen}:
            raise WrongSettings(f"{path}: `gateway.models.{name}` is a name that has a meaning: leave it out")
        if meaning not in meanings and meaning.casefold() not in meanings:
            raise WrongSettings(
                f"{path}: `gateway.models.{name}` must mean auto, local, cloud, an agent, {engines.local.model} or"
                f" {engines.cloud.model}"
            )


def _check_agent(name: str, agent: "Agent", settings: "Settings", path: Path) -> None:
    """An agent that nothing may answer is a mistake that would show at its first request."""
    engines = settings.engines
    left = {engine for engine in ("local", "cloud") if not agent.engines or engine in agent.engines}
    if agent.models:
        served = {"local": engines.local.model, "cloud": engines.cloud.model}
        left = {engine for engine in left if served[engine] in agent.models}
    if not left:
        raise WrongSettings(
            f"{path}: `agents.{name}.models` allows no model of its engines: name one of "
            f"{engines.local.model}, {engines.cloud.model}, or leave it out"
        )
    if agent.policy in ("local", "cloud") and agent.policy not in left:
        raise WrongSettings(
            f'{path}: `agents.{name}.policy` is "{agent.policy}", and its engines and models leave {left.pop()} alone: '
            "change one of them"
        )
    if not is_amount(agent.max_cost_usd):
        raise WrongSettings(f'{path}: `agents.{name}.max_cost_usd` must be 0 or more, as "0.01"')


def _is_address(url: str) -> bool:
    """Whether it is http:// or https:// with a host, and a port, where it has one, that exists."""
    try:
        parts = urlsplit(url)
        return parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False


def _check_keep_alive(given: str | int, path: Path) -> None:
    """Ollama answers 400 to each call for what it cannot read."""
    try:
        keep_alive(given)
    except ValueError:
        raise WrongSettings(
            f'{path}: `engines.local.keep_alive` must be seconds or a duration without blanks, as 1800 or "30m"; '
            "-1 keeps the model for good, 0 unloads it at once"
        ) from None


def _check_hosts(hosts: tuple[str, ...], path: Path) -> None:
    if not hosts:
        return
    from backends.patterns import network_of

    for index, host in enumerate(hosts):
        try:
            network_of(index, host)
        except WrongSettings as error:
            raise WrongSettings(f"{path}: {error}") from None


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
    if 0 < settings.cache.pace_tps < 1:
        raise WrongSettings(f"{path}: `cache.pace_tps` must be 0, for at once, or 1 and more")
    for intent in settings.cache.ttl_s:
        if intent not in INTENTS:
            raise WrongSettings(f"{path}: `cache.ttl_s.{intent}` is no intent: use one of {', '.join(INTENTS)}")


def _is_loopback(host: str) -> bool:
    if host in ("127.0.0.1", "localhost"):
        return True
    from ipaddress import ip_address

    try:
        return ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False
