"""What is wrong with an engine: it is down, slow or silent, its key or quota is gone, or its queue is too long.

Pure functions of `ObservedEngine`, which `observed` reads from a slot.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Iterator
from datetime import datetime, timedelta

from msgspec import Struct

from backends.clock import Clock
from backends.monitoring.alerts import (
    ENGINE_DOWN,
    ENGINE_FULL,
    ENGINE_KEY,
    ENGINE_LACKS,
    ENGINE_SILENT,
    ENGINE_SLOW,
    ENGINE_WRITES_SLOWLY,
    MODEL_UNSERVED,
    QUEUE_FILLING,
    QUEUE_LATE,
    QUOTA_DAY,
    QUOTA_MINUTE,
    REPLICAS_DOWN,
    Condition,
)
from backends.monitoring.touched import Touches
from backends.monitoring.watch import Holding, Watch, Watcher, beyond
from backends.settings.agents import Agent
from backends.settings.alert_limits import AlertLimits
from backends.settings.model import Settings
from backends.text.times import seconds
from backends.types import CLOUD, LOCAL, Action, Choice, EngineName, EngineState, Zone
from backends.upstream.engine_slot import EngineSlot, Unserved
from backends.upstream.first_bytes import Unheard

DETAIL_LENGTH = 600
BREAKERS: dict[str, Condition] = {"key": ENGINE_KEY, "rate-limited": QUOTA_MINUTE, "daily-quota": QUOTA_DAY}
"""The alert of a breaker that opened for a kind of error; any other kind is an engine that is down."""


class ObservedEngine(Struct, frozen=True, kw_only=True):
    """An engine at one moment. `kind` and `words` are its breaker's, "" while it is closed; `missing` is what it cannot
    work without. Of `addresses` so many are `gone`. `silent` are the agents of calls that have heard nothing for too
    long, `given_up` those whose callers left before any byte, the first of them all sent at `silent_since`; `lately_s`
    is how long first bytes took lately, and at `slow_since` the first of those was sent that took too long. Usually it
    writes `usual_speed` tokens a second, and lately `lately_speed`, from `speed_since` on.
    """

    name: EngineName
    zone: Zone
    state: EngineState
    kind: str = ""
    words: str = ""
    since: datetime | None = None
    opens_at: datetime | None = None
    missing: bool = False
    addresses: int = 1
    gone: int = 0
    silent: tuple[str, ...] = ()
    given_up: tuple[str, ...] = ()
    silent_since: datetime | None = None
    lately_s: float | None = None
    slow_since: datetime | None = None
    usual_s: float | None = None
    usual_speed: float | None = None
    lately_speed: float | None = None
    speed_since: datetime | None = None
    full_since: datetime | None = None
    queue_limit: int = 0
    unserved: tuple[tuple[str, Unserved], ...] = ()


def observed(slot: EngineSlot, limits: AlertLimits, clock: Clock) -> ObservedEngine:
    foremost, state, now = slot.replicas.foremost, slot.state(), clock.monotonic()
    breaker, first_bytes = foremost.breaker, slot.first_bytes
    late = [call for call in first_bytes.unheard() if now - call.since > _patience_s(call, first_bytes.usual_s, limits)]
    late += first_bytes.stalled(now - limits.silent_unknown_s)
    given_up = first_bytes.given_up(now)
    since = min((call.since for call in (*late, *given_up)), default=None)
    slow_from = first_bytes.slow_from(max(limits.slow_s, limits.slow_times * (first_bytes.usual_s or 0.0)))
    down = state.health == "down" and not slot.missing
    reading = foremost.reading.detail if foremost.reading is not None else ""
    return ObservedEngine(
        name=slot.name,
        zone=slot.zone,
        state=state,
        kind=breaker.kind if down else "",
        words=(breaker.words or reading)[:DETAIL_LENGTH] if down else "",
        since=breaker.since,
        opens_at=breaker.opens_at,
        missing=bool(slot.missing),
        addresses=len(slot.replicas),
        gone=sum(not replica.reachable for replica in slot.replicas),
        silent=tuple(call.agent for call in late),
        given_up=tuple(call.agent for call in given_up),
        silent_since=None if since is None else clock.now() - timedelta(seconds=now - since),
        slow_since=None if slow_from is None else clock.now() - timedelta(seconds=now - slow_from),
        lately_s=first_bytes.lately_s(now),
        usual_s=first_bytes.usual_s,
        usual_speed=slot.writing.usual,
        lately_speed=slot.writing.lately(now),
        speed_since=clock.now() - timedelta(seconds=now - slot.writing.slow_since(now)),
        full_since=slot.full_since(),
        queue_limit=slot.settings.queue_limit,
        unserved=tuple(slot.unserved.items()),
    )


def _patience_s(call: Unheard, usual_s: float | None, limits: AlertLimits) -> float:
    """How long a call may wait for its first byte before its engine counts as silent."""
    if usual_s is None:
        return max(limits.silent_unknown_s, limits.silent_times * call.expected_s)
    return max(limits.silent_s, limits.silent_times * max(usual_s, call.expected_s))


def engine_conditions(
    engine: ObservedEngine, limits: AlertLimits, standing: Collection[str], others: Collection[ObservedEngine] = ()
) -> Iterator[Holding]:
    """What holds of an engine; `standing` are the keys of the alerts that stand, `others` are engines beside it."""
    yield from _down(engine)
    yield from _unserved(engine)
    if engine.full_since is not None:
        yield Holding(
            condition=ENGINE_FULL,
            fields={"engine": engine.name},
            since=engine.full_since,
            touches=Touches(engines=frozenset({engine.name}), kinds=frozenset({"busy"}), detour=engine.zone == LOCAL),
        )
    yield from _silent(engine)
    yield from _slow(engine, limits, standing)
    yield from _writes_slowly(engine, limits, standing)
    yield from _queue(engine, limits, standing, others)


def _down(engine: ObservedEngine) -> Iterator[Holding]:
    if engine.state.health == "down" and not engine.missing:
        condition = BREAKERS.get(engine.kind, ENGINE_DOWN)
        yield Holding(
            condition=condition,
            fields={"engine": engine.name, "problem": engine.state.detail or "down"},
            since=engine.since,
            detail=engine.words,
            retry_at=engine.state.reopens_at or engine.opens_at,
            touches=_touches(engine, detour=True),
        )
    elif engine.gone and engine.addresses > 1:
        yield Holding(
            condition=REPLICAS_DOWN,
            fields={"engine": engine.name, "gone": engine.gone, "addresses": engine.addresses},
            detail=engine.state.detail[:DETAIL_LENGTH],
            touches=_touches(engine),
        )


def _touches(engine: ObservedEngine, *, detour: bool = False) -> Touches:
    """Requests that failed at the engine, or went elsewhere: from a local one to the cloud, that costs money."""
    return Touches(
        engines=frozenset({engine.name}), rules=frozenset({"engine"}), detour=detour and engine.zone == LOCAL
    )


def _unserved(engine: ObservedEngine) -> Iterator[Holding]:
    for model, unserved in engine.unserved:
        yield Holding(
            condition=MODEL_UNSERVED,
            fields={"engine": engine.name, "model": model},
            since=unserved.since,
            detail=unserved.detail[:DETAIL_LENGTH],
            touches=Touches(engines=frozenset({engine.name}), kinds=frozenset({"model"})),
        )


def _silent(engine: ObservedEngine) -> Iterator[Holding]:
    if engine.silent or engine.given_up:
        usual = engine.usual_s
        usually = "" if usual is None else f", usually within {seconds(usual)}"
        yield Holding(
            condition=ENGINE_SILENT,
            fields={"engine": engine.name, "calls": _unheard(engine), "usually": usually},
            since=engine.silent_since,
            choices=_move_away(engine),
            touches=Touches(
                engines=frozenset({engine.name}), kinds=frozenset({"timeout", "deadline", "cut", "cancelled"})
            ),
            kept_waiting=engine.silent,
        )


def _unheard(engine: ObservedEngine) -> str:
    """Who has heard nothing: "2 calls have heard nothing, 1 caller gave up"."""
    silent, given_up = len(engine.silent), len(engine.given_up)
    words = ["1 call has heard nothing" if silent == 1 else f"{silent} calls have heard nothing"] if silent else []
    words += ["1 caller gave up" if given_up == 1 else f"{given_up} callers gave up"] if given_up else []
    return ", ".join(words)


def _slow(engine: ObservedEngine, limits: AlertLimits, standing: Collection[str]) -> Iterator[Holding]:
    lately, usual = engine.lately_s, engine.usual_s
    if lately is None or usual is None or lately < limits.slow_s:
        return
    slow = Holding(
        condition=ENGINE_SLOW,
        fields={"engine": engine.name, "lately": seconds(lately), "usual": seconds(usual)},
        since=engine.slow_since,
        choices=_move_away(engine),
        touches=Touches(served_by=engine.name),
    )
    if beyond(lately, limits.slow_times * usual, standing=slow.key in standing):
        yield slow


def _writes_slowly(engine: ObservedEngine, limits: AlertLimits, standing: Collection[str]) -> Iterator[Holding]:
    lately, usual = engine.lately_speed, engine.usual_speed
    if lately is None or usual is None:
        return
    slow = Holding(
        condition=ENGINE_WRITES_SLOWLY,
        fields={"engine": engine.name, "lately": f"{lately:.1f}", "usual": f"{usual:.0f}"},
        since=engine.speed_since,
        choices=_move_away(engine),
        touches=Touches(served_by=engine.name),
    )
    if beyond(usual / max(lately, 0.1), limits.slow_times, standing=slow.key in standing):
        yield slow


def _queue(
    engine: ObservedEngine, limits: AlertLimits, standing: Collection[str], others: Collection[ObservedEngine]
) -> Iterator[Holding]:
    state = engine.state
    if not state.waiting:
        return
    most = max(state.waiting_by_agent, key=lambda agent: state.waiting_by_agent[agent], default="")
    choices = _move_away(engine)[:1]
    if most:
        cancel = Choice(label=f"cancel {most}'s", action=Action(verb="cancel-agent", actor="console", agent=most))
        choices = (*choices, *_pin_elsewhere(most, engine, others), cancel)
    touches = Touches(kinds=frozenset({"deadline", "queue_full"}))
    waiting = tuple(Counter(state.waiting_by_agent).elements())
    wait = "" if state.predicted_wait_s is None else f", a new one for about {seconds(state.predicted_wait_s)}"
    if state.will_miss >= limits.queue_misses:
        yield Holding(
            condition=QUEUE_LATE,
            fields={"engine": engine.name, "waiting": state.waiting, "wait": wait},
            effect=f"{state.will_miss} will miss their deadline",
            choices=choices,
            touches=touches,
            kept_waiting=waiting,
        )
    filling = Holding(
        condition=QUEUE_FILLING,
        fields={"engine": engine.name, "waiting": state.waiting, "limit": engine.queue_limit},
        choices=choices,
        touches=touches,
        kept_waiting=waiting,
    )
    if beyond(state.waiting, limits.queue_share * engine.queue_limit, standing=filling.key in standing):
        yield filling


def _pin_elsewhere(agent: str, engine: ObservedEngine, others: Collection[ObservedEngine]) -> tuple[Choice, ...]:
    """Pin the agent to the first engine beside this one that answers and has nobody waiting."""
    free = (
        each.name
        for each in others
        if each.name != engine.name
        and each.state.health == "up"
        and not (each.state.waiting or each.state.draining or each.state.stopped or each.missing)
    )
    if (name := next(free, None)) is None:
        return ()
    return (
        Choice(label=f"pin {agent} to {name}", action=Action(verb="pin", actor="console", agent=agent, engine=name)),
    )


def _move_away(engine: ObservedEngine) -> tuple[Choice, ...]:
    if engine.state.draining:
        return ()
    drain = Choice(label=f"drain {engine.name}", action=Action(verb="drain", actor="console", engine=engine.name))
    if engine.zone == CLOUD:
        return drain, Choice(label="stop the cloud", action=Action(verb="stop-cloud", actor="console"))
    return (drain,)


def lacking(slots: Iterable[EngineSlot], settings: Settings) -> Iterator[Holding]:
    """Engines that cannot be called for want of a setting, as far as any agent may use them."""
    for slot in slots:
        if slot.missing and any(_may_use(agent, slot) for agent in settings.agents.values()):
            problem, _, remedy = slot.missing.partition(": ")
            yield Holding(condition=ENGINE_LACKS, fields={"engine": slot.name, "problem": problem, "remedy": remedy})


def _may_use(agent: Agent, slot: EngineSlot) -> bool:
    forbidding = LOCAL if slot.zone == CLOUD else CLOUD
    return agent.policy != forbidding and (not agent.engines or slot.name in agent.engines)


def watch_engines(slots: Collection[EngineSlot], watch: Watch, clock: Clock) -> Watcher:
    def find() -> list[Holding]:
        limits, standing = watch.limits, watch.standing
        engines = [observed(slot, limits, clock) for slot in slots]
        return [holding for each in engines for holding in engine_conditions(each, limits, standing, engines)]

    return find


def show_waits(slots: Collection[EngineSlot]) -> None:
    """Tell watchers anew of each engine at which a call waits: how long it has waited changes with time alone."""
    for slot in slots:
        if slot.limiter.waiting or slot.first_bytes.unheard():
            slot.changed()
