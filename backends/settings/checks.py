"""What a setting's type cannot say: whether the values of a well-formed claw.toml can be worked with."""

import re
from collections.abc import Iterator
from math import isfinite
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import msgspec

from backends.errors import WrongSettings
from backends.keep_alive import keep_alive
from backends.settings.engines import BUILT_IN, OllamaSettings, ServerSettings
from backends.settings.models import check_models
from backends.settings.money_checks import check_money, is_amount
from backends.types import CLOUD, INTENTS, LOCAL

if TYPE_CHECKING:
    from backends.settings.agents import Agent
    from backends.settings.engines import Engine
    from backends.settings.model import Settings

NAME = re.compile(r"[A-Za-z0-9_.-]{1,32}")
TAKEN = frozenset({"auto", "cache", "default"})
"""Names that a request, a row or an agent may have, and an engine may not."""


def check(settings: "Settings", path: Path) -> None:
    """Raises WrongSettings for the first value that would only fail once it is used."""
    endless = next(_endless(settings, ""), None)
    if endless is not None:
        raise WrongSettings(f"{path}: `{endless}` must be a number with an end")
    check_money(settings, path)
    _check_engine_names(settings, path)
    _check_names(settings, path)
    check_models(settings, path)
    for name, agent in settings.agents.items():
        _check_agent(name, agent, settings, path)
    for name, engine in settings.engines.items():
        _check_engine(name, engine, path)
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
    names = {name.casefold() for name in settings.engines}
    models = [engine.model for engine in settings.engines.values()]
    taken = {"auto", *names, *seen}
    meanings = {*taken, *models, *(agent.model for agent in settings.agents.values() if agent.model)}
    for name, meaning in settings.gateway.models.items():
        if name.casefold() in taken:
            raise WrongSettings(f"{path}: `gateway.models.{name}` is a name that has a meaning: leave it out")
        if meaning not in meanings and meaning.casefold() not in meanings:
            known = ", ".join(("auto", *settings.engines, "an agent", *models[:-1]))
            raise WrongSettings(f"{path}: `gateway.models.{name}` must mean {known} or {models[-1]}")


def _check_engine(name: str, engine: "Engine", path: Path) -> None:
    where = f"{path}: `engines.{name}"
    proxy = getattr(engine, "proxy", None)
    for key, url in (
        *(("base_url", url) for url in engine.addresses[:1]),
        *(("replicas", url) for url in engine.addresses[1:]),
        ("proxy", proxy),
    ):
        if url is not None and not _is_address(url):
            raise WrongSettings(f"{where}.{key}` must be an http:// or https:// address")
    if len(set(engine.addresses)) != len(engine.addresses):
        raise WrongSettings(f"{where}.replicas` names an address twice")
    if isinstance(engine, ServerSettings) and engine.min_output >= engine.context:
        raise WrongSettings(
            f"{where}.min_output` must be less than engines.{name}.context ({engine.context}): it is the"
            " part of it that is left for an answer"
        )
    if isinstance(engine, OllamaSettings):
        _check_keep_alive(name, engine.keep_alive, path)


def _check_engine_names(settings: "Settings", path: Path) -> None:
    """Each engine once, whatever the case, and with no name that means something else."""
    seen: dict[str, str] = {}
    agents = {agent.casefold() for agent in settings.agents}
    for name in settings.engines:
        if not NAME.fullmatch(name):
            raise WrongSettings(
                f"{path}: `engines.{name}` is no name for an engine: up to 32 letters, digits, dots, dashes and"
                " underscores"
            )
        if (other := seen.setdefault(name.casefold(), name)) != name:
            raise WrongSettings(f"{path}: `engines.{name}` and `engines.{other}` are one engine: keep one of them")
        if name not in BUILT_IN and name.casefold() in TAKEN | agents:
            raise WrongSettings(f"{path}: `engines.{name}` is a name that has a meaning already: take another one")


def _check_agent(name: str, agent: "Agent", settings: "Settings", path: Path) -> None:
    """An agent that nothing may answer is a mistake that would show at its first request."""
    if unknown := [engine for engine in agent.engines if engine not in settings.engines]:
        known = ", ".join(settings.engines)
        raise WrongSettings(f"{path}: `agents.{name}.engines` names {unknown[0]}, and the engines are {known}")
    left = {engine for engine in settings.engines if not agent.engines or engine in agent.engines}
    if agent.models:
        served = {engine: settings.engines[engine].model for engine in left}
        left = {engine for engine in left if served[engine] in agent.models or agent.model in agent.models}
    if not left:
        models = ", ".join(engine.model for engine in settings.engines.values())
        raise WrongSettings(
            f"{path}: `agents.{name}.models` allows no model of its engines: name one of {models}, or leave it out"
        )
    if agent.policy in (LOCAL, CLOUD) and agent.policy not in {settings.zone(engine) for engine in left}:
        raise WrongSettings(
            f'{path}: `agents.{name}.policy` is "{agent.policy}", and its engines and models leave'
            f" {' and '.join(sorted(left))} alone: change one of them"
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


def _check_keep_alive(name: str, given: str | int, path: Path) -> None:
    """Ollama answers 400 to each call for what it cannot read."""
    try:
        keep_alive(given)
    except ValueError:
        raise WrongSettings(
            f'{path}: `engines.{name}.keep_alive` must be seconds or a duration without blanks, as 1800 or "30m"; '
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
