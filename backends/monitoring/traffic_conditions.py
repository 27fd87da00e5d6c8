"""What the requests of the last seconds show: that no engine answers, or that many fail. Pure functions."""

from collections.abc import Callable, Collection, Iterator, Sequence

from backends.monitoring.alerts import AGENT_ERRORS, ERRORS, NO_ENGINE
from backends.monitoring.touched import Touches
from backends.monitoring.traffic_window import WINDOW_S, Failing, TrafficWindow
from backends.monitoring.watch import Holding, Watch, Watcher, beyond
from backends.settings.alert_limits import AlertLimits
from backends.types import Action, Choice, EngineState

ALONE_S = 1.0
"""How long a single failure must have stood alone before it tells that no engine answers."""

WELL_AGAIN_S, QUIET_S = 10.0, 60.0
"""So long after the last failure an engine that is up says that they have ended, though nobody asked it since; and so
long after it one that is not known to be down may be asked again.
"""

FAILED = Touches(hows=frozenset({"failed"}))
ENGINES_OWN = frozenset(
    {"unavailable", "busy", "key", "model", "rate-limited", "daily-quota", "no_engine", "queue_full"}
)
"""Kinds of error that no prompt causes."""


def no_engine_answers(
    failing: Failing | None, engines: Sequence[EngineState], limits: AlertLimits, *, now: float
) -> Iterator[Holding]:
    """One failure is enough where no prompt can have caused it. Each engine must have failed, be known to be down, or
    take no calls. `now` is on the monotonic clock.
    """
    if failing is None:
        return
    if any(_takes_calls(each) and each.name not in failing.engines for each in engines):
        return
    quiet_s = now - failing.last
    alone = failing.kinds <= ENGINES_OWN and now - failing.first >= ALONE_S
    if failing.requests < limits.failures and not alone:
        return
    if any(_takes_calls(each) and quiet_s >= (WELL_AGAIN_S if each.health == "up" else QUIET_S) for each in engines):
        return
    stopped = any(engine.stopped for engine in engines)
    resume = Choice(label="resume the cloud", action=Action(verb="resume-cloud", actor="console"))
    problems = [f"{each.name}: {each.detail or each.health}" for each in engines if each.health != "up"]
    yield Holding(
        condition=NO_ENGINE,
        since=failing.since,
        detail="; ".join(problems),
        choices=(resume,) if stopped else (),
        touches=FAILED,
    )


def _takes_calls(engine: EngineState) -> bool:
    return engine.health != "down" and not engine.stopped and not engine.draining


def errors(traffic: TrafficWindow, limits: AlertLimits, standing: Collection[str]) -> Iterator[Holding]:
    """Of all requests, else of single agents; those that were answered or failed since the last outage."""
    agents = traffic.since_recovery()
    requests, failed = sum(each.requests for each in agents), sum(each.failed for each in agents)
    if _many(failed, requests, limits, standing=ERRORS.key in standing):
        yield Holding(
            condition=ERRORS,
            fields={"failed": failed, "requests": requests, "window_s": WINDOW_S},
            since=None if ERRORS.key in standing else traffic.failing_from(limits.error_share),
            touches=FAILED,
        )
        return
    for each in agents:
        stands = AGENT_ERRORS.key.format(agent=each.agent) in standing
        if not _many(each.failed, each.requests, limits, standing=stands):
            continue
        pause = Action(verb="pause", actor="console", agent=each.agent)
        yield Holding(
            condition=AGENT_ERRORS,
            fields={"agent": each.agent, "failed": each.failed, "requests": each.requests, "window_s": WINDOW_S},
            since=None if stands else traffic.failing_from(limits.error_share, each.agent),
            choices=(Choice(label=f"pause {each.agent}", action=pause),),
            touches=Touches(agent=each.agent, hows=frozenset({"failed"})),
        )


def watch_traffic(
    traffic: TrafficWindow, engines: Callable[[], Sequence[EngineState]], watch: Watch, now: Callable[[], float]
) -> Watcher:
    """While no engine answers, the share of errors says nothing more."""

    def find() -> list[Holding]:
        if traffic.failing is not None:
            found = list(no_engine_answers(traffic.failing, engines(), watch.limits, now=now()))
            if found:
                traffic.mark_outage()
                return found
        return list(errors(traffic, watch.limits, watch.standing))

    return find


def _many(failed: int, requests: int, limits: AlertLimits, *, standing: bool) -> bool:
    """One that stands does not end because fewer requests come."""
    if not failed or (requests < limits.error_requests and not standing):
        return False
    return beyond(failed / requests, limits.error_share, standing=standing)
