"""What happens in a core as lines, for `claw watch`: alerts, failures, refusals, actions, health, money; no prompts."""

from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from typing import Literal

from msgspec import Struct

from backends.events import (
    ActionDone,
    AlertCleared,
    AlertRaised,
    Decided,
    EngineSampled,
    Event,
    RequestRefused,
    Settled,
    SpendSampled,
)
from backends.monitoring.traffic_window import CALLERS_FAULT
from backends.text.measures import count
from backends.text.times import clock, milliseconds, seconds
from backends.text.usd import usd, usd_limit
from backends.types import Alert, BudgetState, EngineState, Exchange, Outcome, Snapshot, Spend

Happening = Literal[
    "core", "alert-stands", "alert-raised", "alert-changed", "alert-ended", "failed", "refused", "action", "engine",
    "spend", "decided", "answered", "cancelled",
]  # fmt: skip

SHARES = (50, 80, 100)
"""Percent of a budget that is spent when a line says so."""

STEPS_USD = tuple(Decimal(f"{step}e{power}") for power in range(-1, 5) for step in (1, 2, 5))
"""Dollars of a day at which a line says so: 0.1, 0.2, 0.5, 1, 2, 5 and so on."""


class WatchLine(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One thing that happened. `severity` is set for alerts, `key` is an alert's or a budget's, `id` an alert's or a
    request's; `kind` is the machine name of an error, a refusal's rule or an action's verb.
    """

    at: datetime
    event: Happening
    text: str
    severity: str = ""
    key: str = ""
    id: str = ""
    agent: str = ""
    engine: str = ""
    model: str = ""
    kind: str = ""
    actor: str = ""
    since: datetime | None = None
    requests: int | None = None
    cost_usd: Decimal | None = None
    latency_ms: float | None = None


class WatchLines:
    """Remembers what it has told of alerts, engines and money, so that it tells each change once.

    `requests` also tells of each decision and each answer.
    """

    def __init__(self, *, requests: bool = False) -> None:
        self._requests = requests
        self._alerts: dict[str, Alert] = {}
        self._engines: dict[str, EngineState] = {}
        self._shares: dict[tuple[str, str], int] = {}
        self._today_usd: Decimal | None = None

    def seen(self, snapshot: Snapshot) -> Iterator[WatchLine]:
        """The lines for what has changed since the last look; at the first one, for what stands now."""
        first = not self._engines
        standing = {alert.key: alert for alert in snapshot.alerts}
        for engine in snapshot.engines:
            yield from self._engine(engine, snapshot.at)
        for key in [key for key in self._alerts if key not in standing]:
            ended = next((alert for alert in snapshot.past_alerts if alert.id == self._alerts[key].id), None)
            yield from self._ended(key, ended, snapshot.at)
        for alert in snapshot.alerts:
            yield from self._alert(alert, "alert-stands" if first else "alert-raised", snapshot.at)
        if snapshot.spend is not None:
            yield from self._spend(snapshot.spend, snapshot.at)

    def happened(self, event: Event, at: datetime | None = None) -> Iterator[WatchLine]:
        """The lines for an event that was heard at `at`, by default now."""
        at = at or datetime.now(UTC)
        match event:
            case AlertRaised(alert=alert):
                yield from self._alert(alert, "alert-raised", at)
            case AlertCleared(key=key, alert=ended):
                yield from self._ended(key, ended, at)
            case Settled(outcome=outcome):
                yield from self._settled(outcome, at)
            case RequestRefused():
                yield _refused(event)
            case Decided(exchange=exchange) if self._requests:
                yield _decided(exchange)
            case ActionDone(acted=acted):
                text = f"{acted.action.actor}: {acted.detail}"
                yield WatchLine(
                    at=acted.at, event="action", text=text, kind=acted.action.verb, actor=acted.action.actor
                )
            case EngineSampled(engine=engine):
                yield from self._engine(engine, at)
            case SpendSampled(spend=spend):
                yield from self._spend(spend, at)

    # ---- alerts -----------------------------------------------------------------------------------------------------

    def _alert(self, alert: Alert, otherwise: Happening, at: datetime) -> Iterator[WatchLine]:
        """A change of its counts alone is none: they change with every request."""
        known = self._alerts.get(alert.key)
        self._alerts[alert.key] = alert
        if known is None or known.id != alert.id:
            yield _alert_line(alert, otherwise, at)
        elif _gist(known) != _gist(alert):
            yield _alert_line(alert, "alert-changed", at)

    def _ended(self, key: str, ended: Alert | None, at: datetime) -> Iterator[WatchLine]:
        known = self._alerts.pop(key, None)
        if (alert := ended or known) is not None:
            yield _alert_line(alert, "alert-ended", at)

    # ---- requests ---------------------------------------------------------------------------------------------------

    def _settled(self, outcome: Outcome, at: datetime) -> Iterator[WatchLine]:
        if outcome.finish == "error":
            event: Happening = "refused" if outcome.error_kind in CALLERS_FAULT else "failed"
            text = f"{outcome.agent}: {event}, {_calls(outcome)}, after {_duration(outcome.latency_ms)}"
        elif not self._requests:
            return
        elif outcome.finish == "cancelled":
            event, text = "cancelled", f"{outcome.agent}: cancelled after {_duration(outcome.latency_ms)}"
        else:
            event = "answered"
            tokens = f"{count(outcome.tokens.input)} tokens in, {count(outcome.tokens.output)} out"
            by = "the cache" if outcome.cache in ("exact", "semantic") else outcome.engine
            text = (
                f"{outcome.agent}: answered by {by} in {_duration(outcome.latency_ms)}, {tokens}, "
                f"{usd(outcome.cost_usd)}"
            )
        yield WatchLine(
            at=at,
            event=event,
            text=f"{text} (request {outcome.id})",
            id=outcome.id,
            agent=outcome.agent,
            engine=outcome.engine,
            model=outcome.model,
            kind=outcome.error_kind or "",
            cost_usd=outcome.cost_usd,
            latency_ms=outcome.latency_ms,
        )

    # ---- engines and money ------------------------------------------------------------------------------------------

    def _engine(self, engine: EngineState, at: datetime) -> Iterator[WatchLine]:
        known = self._engines.get(engine.name)
        self._engines[engine.name] = engine
        if known is not None and _how_it_is(known) == _how_it_is(engine):
            return
        text = f"{engine.name} is {_how_it_is(engine)}" + (f", was {_how_it_is(known)}" if known else "")
        yield WatchLine(at=at, event="engine", text=text, engine=engine.name, model=engine.model, kind=engine.health)

    def _spend(self, spend: Spend, at: datetime) -> Iterator[WatchLine]:
        for budget in spend.budgets:
            yield from self._budget(budget, at)
        before, self._today_usd = self._today_usd, spend.today_usd
        passed = [step for step in STEPS_USD if before is not None and before < step <= spend.today_usd]
        if passed:
            text = f"today's spend has passed {usd_limit(passed[-1])}: {usd(spend.today_usd)}"
            yield WatchLine(at=at, event="spend", text=text, cost_usd=spend.today_usd)

    def _budget(self, budget: BudgetState, at: datetime) -> Iterator[WatchLine]:
        """At the first look what was reached before is no news."""
        if budget.limit_usd <= 0:
            return
        which = budget.scope, budget.window
        reached = max((share for share in SHARES if budget.spent_usd * 100 >= budget.limit_usd * share), default=0)
        before, self._shares[which] = self._shares.get(which), reached
        if before is not None and reached > before:
            text = (
                f"budget {budget.scope} ({budget.window}): {reached} % spent, {usd(budget.spent_usd)} of "
                f"{usd_limit(budget.limit_usd)}"
            )
            key = f"budget:{budget.scope}:{budget.window}"
            yield WatchLine(at=at, event="spend", text=text, key=key, cost_usd=budget.spent_usd)


def plain(line: WatchLine) -> str:
    """As a sentence with the local time of day; whoever prints it makes it safe."""
    first = {"alert-stands": "alert", "alert-raised": "alert", "alert-changed": "alert changed", "alert-ended": "ended"}
    severity = f" {line.severity}" if line.severity else ""
    return f"{clock(line.at)} {first.get(line.event, line.event)}{severity}: {line.text}"


def _alert_line(alert: Alert, event: Happening, at: datetime) -> WatchLine:
    parts = [alert.text, f"since {clock(alert.since)}"]
    if event == "alert-ended" and alert.ended_at is not None:
        parts.append(f"lasted {seconds((alert.ended_at - alert.since).total_seconds())}")
    elif alert.state != "new":
        parts.append(f"{alert.state}{f' by {alert.by}' if alert.by else ''}")
    parts += [alert.effect] if alert.effect else []
    parts += [f"to do: {alert.remedy}"] if alert.remedy and event != "alert-ended" else []
    return WatchLine(
        at=at,
        event=event,
        text=", ".join(parts),
        severity=alert.severity,
        key=alert.key,
        id=alert.id,
        kind=alert.state,
        actor=alert.by,
        since=alert.since,
        requests=alert.requests,
        cost_usd=alert.cost_usd,
    )


def _gist(alert: Alert) -> tuple[str, str, str]:
    """What a new line is worth: not the figures in its text."""
    return alert.severity, alert.state, "".join(one for one in alert.text if not one.isdigit())


def _refused(event: RequestRefused) -> WatchLine:
    happened: Happening = "failed" if event.status >= 500 else "refused"
    text = f"{event.agent}: {happened} before any engine was called ({event.rule}, {event.status}): {event.message}"
    return WatchLine(
        at=event.at,
        event=happened,
        text=f"{text} (request {event.id})",
        id=event.id,
        agent=event.agent,
        kind=event.rule,
    )


def _decided(exchange: Exchange) -> WatchLine:
    decision = exchange.explanation
    why = ", ".join(reason.rule for reason in decision.reasons)
    return WatchLine(
        at=exchange.at,
        event="decided",
        text=f"{decision.agent}: to {decision.engine}, {decision.intent}{f', because of {why}' if why else ''}"
        f" (request {exchange.id})",
        id=exchange.id,
        agent=decision.agent,
        engine=decision.engine,
        model=decision.model,
    )


def _calls(outcome: Outcome) -> str:
    """Each engine that failed with the kind of its error; a provider's own words may hold anything."""
    calls = [
        f"{attempt.engine} {attempt.error.partition(':')[0]}"
        for attempt in outcome.attempts
        if attempt.error is not None
    ]
    return ", ".join(calls) or outcome.error_kind or "error"


def _duration(latency_ms: float) -> str:
    return f"{milliseconds(latency_ms)} ms" if latency_ms < 1000 else seconds(latency_ms / 1000)


def _how_it_is(engine: EngineState) -> str:
    doing = [word for word, holds in (("stopped", engine.stopped), ("draining", engine.draining)) if holds]
    return " and ".join([engine.health, *doing])
