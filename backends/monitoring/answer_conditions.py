"""What is wrong with answers that come from the cache, and with requests that privacy keeps here. Pure functions."""

from collections.abc import Callable, Collection, Iterable, Iterator
from datetime import datetime, timedelta

from backends.cache.response_cache import ResponseCache
from backends.clock import Clock
from backends.intervals import wilson
from backends.monitoring.activity import ActivityFeed
from backends.monitoring.alerts import CACHE_HITS_FELL, CACHE_WRONG_HITS, PRIVACY_LOCKS_OUT, PRIVACY_UNSURE
from backends.monitoring.touched import EndedRequest, Touches
from backends.monitoring.traffic_window import WINDOW_S, TrafficWindow
from backends.monitoring.watch import Holding, Watch, Watcher, beyond
from backends.settings.alert_limits import AlertLimits
from backends.text.measures import share
from backends.types import Action, Choice, EngineName, Exchange

FLUSH = Choice(label="flush the cache", action=Action(verb="flush-cache", actor="console"))
RARE = 0.05
"""A cache that answers less than this share of look-ups has nothing to lose."""


def hits_fell(
    lately: float | None, usually: float | None, limits: AlertLimits, standing: Collection[str]
) -> Iterator[Holding]:
    """The share of look-ups that hit, of the last ones and of all before them; None where there were too few."""
    if lately is None or usually is None or usually < RARE:
        return
    fallen = 1 - lately / usually
    if beyond(fallen, limits.hit_share_fall, standing=CACHE_HITS_FELL.key in standing):
        fields = {"lately": share(lately, 1), "usually": share(usually, 1)}
        yield Holding(condition=CACHE_HITS_FELL, fields=fields)


def wrong_hits(checked: int, wrong: int, risk: float) -> Iterator[Holding]:
    """More semantic hits are wrong than the operator allows, and chance alone does not explain it."""
    estimate = wilson(wrong, checked)
    if estimate is None:
        return
    _, low, high = estimate
    if low > risk:
        yield Holding(
            condition=CACHE_WRONG_HITS,
            fields={
                "wrong": wrong,
                "checked": checked,
                "risk": f"{risk * 100:g} %",
                "range": f"{low * 100:.1f} to {high * 100:.1f} %",
            },
            choices=(FLUSH,),
        )


def unsure_gate(recent: Iterable[Exchange], since: datetime) -> Iterator[Holding]:
    """Requests that were kept here because the gate could not judge them; those before `since` do not count."""
    unsure: dict[str, list[Exchange]] = {}
    for exchange in recent:
        verdict = exchange.explanation.verdict
        if verdict is not None and verdict.why == "unsure" and exchange.at >= since:
            unsure.setdefault(exchange.explanation.agent, []).append(exchange)
    for agent, kept in unsure.items():
        yield Holding(
            condition=PRIVACY_UNSURE,
            fields={"agent": agent},
            since=kept[0].at,
            effect=f"{len(kept)} kept on this machine",
        )


def locked_out(ended: Collection[EndedRequest], cloud: frozenset[EngineName]) -> Iterator[Holding]:
    """Agents whose private requests nobody could answer: they may not leave this machine, and no engine here can."""
    private = [
        each
        for each in ended
        if each.how in ("failed", "refused")
        and any(engine in cloud and rule == "privacy" for engine, rule in each.passed_over)
    ]
    for agent in dict.fromkeys(each.agent for each in private):
        own = [each for each in private if each.agent == agent]
        yield Holding(
            condition=PRIVACY_LOCKS_OUT,
            fields={"agent": agent},
            since=_unanswered_from(ended, own[0]),
            choices=(Choice(label=f"redact for {agent}", action=Action(verb="redact", actor="operator", agent=agent)),),
            touches=Touches(
                engines=cloud, rules=frozenset({"privacy"}), agent=agent, hows=frozenset({"failed", "refused"})
            ),
        )


def _unanswered_from(ended: Iterable[EndedRequest], last: EndedRequest) -> datetime:
    """When the first request of its agent began of those up to `last` that nobody answered, without one between."""
    began = None
    for each in ended:
        if each.agent == last.agent:
            began = (began or each.began) if each.how in ("failed", "refused") else None
        if each is last:
            break
    return began or last.began


def watch_answers(cache: ResponseCache, risk: Callable[[], float], watch: Watch) -> Watcher:
    """`risk` are the wrong hits that the operator allows."""

    def find() -> list[Holding]:
        counts, limits = cache.counts, watch.limits
        enough = limits.hit_lookups
        return [
            *hits_fell(counts.recent_share(least=enough), counts.usual_share(least=enough), limits, watch.standing),
            *wrong_hits(*cache.wrong_hits(), risk()),
        ]

    return find


def watch_privacy(
    activity: ActivityFeed, traffic: TrafficWindow, cloud: frozenset[EngineName], clock: Clock
) -> Watcher:
    def find() -> list[Holding]:
        since = clock.now() - timedelta(seconds=WINDOW_S)
        return [*unsure_gate(activity.recent(), since), *locked_out(traffic.ended, cloud)]

    return find
