"""Spend that is unusual for an agent and an hour, detected within minutes, with its cause.

An agent's paid requests of the last minutes are compared with its profile in three ways, which show different faults:
how many there are (a count that scatters more than independent requests by as much as the agent's bursts did), what
they cost (log-normal), and how common their traits are (a model or an ending that the agent seldom has). The
probabilities are combined by Fisher's method. There are three windows: a flood shows in two minutes, a dearer model of
a quiet agent in fifteen. Spend that would not matter if it went on for a day is ignored.
"""

from collections import Counter, deque
from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal
from math import erfc, exp, factorial, lgamma, log, sqrt

from msgspec import Struct

from backends.finops.spend_profile import SpendProfile, SpendProfiles, traits_of
from backends.types import Outcome

WINDOWS_MIN = (2, 5, 15)
MOST = 20_000
"""Requests that are remembered, some 8 MB; beyond 22 a second the longest window is a shorter one."""

CHANCE = 3e-6
"""Less likely than this is unusual: eleven agents, three windows and the minutes of a week are 300,000 tests."""

AT_LEAST = 2.0
"""Multiple of the usual spend below which nothing is unusual."""

MATTERS_SHARE, MATTERS_USD = 0.01, 0.10
"""If it went on for a day, it must add this share to the day's spend of all agents, and this many dollars."""

UNSEEN_PER_MINUTE = 0.5 / 60
"""Paid requests a minute that are never unusual, whatever the agent and the hour."""

LEAST_SPREAD = 0.3
"""The least standard deviation that costs are assumed to have (of their logarithm)."""


class Anomaly(Struct, frozen=True, kw_only=True):
    """`times` is the multiple of the hour's usual spend, None where it has no history; `because` is the cause. It spent
    `spent_usd` in the last `minutes`, in which `usual_usd` would be usual; the first request of it began at `since`.
    """

    agent: str
    usd_hour: float
    times: float | None
    model: str
    intent: str
    because: str
    minutes: int
    spent_usd: float
    usual_usd: float
    since: datetime

    def __str__(self) -> str:
        times = "and is new" if self.times is None else f"{self.times:.0f} times its usual at this hour"
        rate = f"{self.usd_hour:.2f}" if self.usd_hour >= 0.1 else f"{self.usd_hour:.3f}"
        return f"{self.agent} spends ${rate} an hour, {times}: {self.because} ({self.model}, {self.intent})"


class SettledRequest(Struct, frozen=True, kw_only=True):
    """What is judged of a request; `at` is when it settled, in monotonic seconds. A whole outcome has ten times the
    size, and a quarter of an hour can have many.
    """

    at: float
    agent: str
    started_at: datetime
    model: str
    intent: str
    cost_usd: Decimal
    tokens: int
    cached: bool
    retried: bool
    cut: bool

    @classmethod
    def of(cls, outcome: Outcome, at: float) -> "SettledRequest":
        tokens = outcome.tokens
        return cls(
            at=at,
            agent=outcome.agent,
            started_at=outcome.started_at,
            model=outcome.model,
            intent=outcome.intent,
            cost_usd=outcome.cost_usd,
            tokens=tokens.input + tokens.output + tokens.thinking,
            cached=outcome.cache in ("exact", "semantic"),
            retried=_failed(outcome),
            cut=outcome.finish == "length",
        )


class AnomalyDetector:
    """The last minutes of every agent, of at most MOST requests. `record` each outcome as it settles, and call `detect`
    now and then.
    """

    def __init__(self) -> None:
        self._recent: deque[SettledRequest] = deque(maxlen=MOST)

    def record(self, outcome: Outcome, at: float) -> None:
        """`at` is in monotonic seconds."""
        self._recent.append(SettledRequest.of(outcome, at))

    def detect(self, profiles: SpendProfiles, at: float, now: datetime) -> tuple[Anomaly, ...]:
        """The anomalies of now, at most one an agent, in the order of their names; `now` says which hour it is."""
        while self._recent and self._recent[0].at <= at - max(WINDOWS_MIN) * 60:
            self._recent.popleft()
        found: dict[str, Anomaly] = {}
        for minutes in WINDOWS_MIN:
            by_agent: dict[str, list[SettledRequest]] = {}
            for request in self._recent:
                if request.at > at - minutes * 60:
                    by_agent.setdefault(request.agent, []).append(request)
            for agent, requests in by_agent.items():
                if agent not in found and (seen := _judged(agent, requests, minutes, profiles, now)) is not None:
                    found[agent] = seen
        return tuple(found[agent] for agent in sorted(found))


def _judged(
    agent: str, requests: list[SettledRequest], minutes: int, profiles: SpendProfiles, now: datetime
) -> Anomaly | None:
    paid = [request for request in requests if request.cost_usd]
    if not paid:
        return None
    spent = sum(float(request.cost_usd) for request in paid)
    profile = profiles.agents.get(agent)
    rate = max(profile.paid_per_minute[now.hour] if profile else 0.0, UNSEEN_PER_MINUTE) * minutes
    typical = _typical(profile, profiles)
    expected = rate * typical
    extra_a_day = (spent - expected) / minutes * 1440
    if extra_a_day < max(MATTERS_USD, MATTERS_SHARE * profiles.day_usd) or spent < AT_LEAST * expected:
        return None
    if _chance(paid, rate, typical, profile) > CHANCE:
        return None
    return Anomaly(
        agent=agent,
        usd_hour=spent / minutes * 60,
        times=spent / expected if profile and profile.paid_usd else None,
        model=_dearest(paid, "model"),
        intent=_dearest(paid, "intent"),
        because=_because(requests, minutes, now, profile),
        minutes=minutes,
        spent_usd=spent,
        usual_usd=expected,
        since=min(request.started_at for request in paid),
    )


def _typical(profile: SpendProfile | None, profiles: SpendProfiles) -> float:
    """US dollars of a paid request; for an agent that never paid, the least of the other agents'."""
    if profile is not None and profile.paid_usd:
        return profile.paid_usd
    return min((one.paid_usd for one in profiles.agents.values() if one.paid_usd), default=1e-6)


def _chance(paid: list[SettledRequest], rate: float, typical: float, profile: SpendProfile | None) -> float:
    """The probability of so many requests that cost so much in an ordinary hour."""
    many = at_least(len(paid), rate, profile.bursts if profile else 1.0)
    if profile is None or not profile.paid_usd:
        return many
    spread = max(LEAST_SPREAD, profile.spread)
    middle = log(typical) - profile.spread**2 / 2
    off = sum(log(float(request.cost_usd)) - middle for request in paid) / len(paid)
    dear = erfc(off / spread * sqrt(len(paid) / 2)) / 2
    odd = min(_odds(paid, profile))
    # It is the rarest of three kinds of trait, so its probability counts three times.
    return 2 * min(_fisher(many, dear), _fisher(many, dear, min(1.0, 3 * odd)))


def _odds(paid: list[SettledRequest], profile: SpendProfile) -> Iterator[float]:
    """For each trait of these requests, the chance that so many of them have it."""
    seen = Counter(trait for request in paid for trait in traits(request))
    whole = profile.traits.get("", 0) + 2
    for trait, count in seen.items():
        yield 1.0 if trait == "" else at_least(count, len(paid) * (profile.traits.get(trait, 0) + 1) / whole)


def traits(request: SettledRequest) -> list[str]:
    return traits_of(request.model, retried=request.retried, cut=request.cut)


def _failed(outcome: Outcome) -> bool:
    """Did any of its calls fail? A check of an answer, and the call after a failed check, did not."""
    return any(attempt.error is not None for attempt in outcome.attempts)


def _fisher(*chances: float) -> float:
    """The probability of all together by Fisher's method, where each alone is uniform between 0 and 1."""
    if min(chances) <= 0:
        return 0.0
    off = -sum(map(log, chances))
    return exp(-off) * sum(off**power / factorial(power) for power in range(len(chances)))


def at_least(count: int, expected: float, bursts: float = 1.0) -> float:
    """The chance of `count` or more where `expected` come in the mean, scattering `bursts` times as much as Poisson."""
    mean, least = expected / bursts, count / bursts
    if least <= mean:
        return 1.0
    # A Poisson tail at a fractional count is a gamma integral; its terms fall from the first on.
    term = exp(-mean + least * log(mean) - lgamma(least + 1))
    total, step = 0.0, least
    while term > total * 1e-9:
        total += term
        step += 1
        term *= mean / step
    return min(1.0, total)


def _because(requests: list[SettledRequest], minutes: int, now: datetime, profile: SpendProfile | None) -> str:
    """What differs most from the profile, as factors; several may multiply to the whole."""
    if profile is None:
        return f"{len(requests)} requests"
    tokens = sum(one.tokens for one in requests) / len(requests)
    cached = sum(one.cached for one in requests) / len(requests)
    causes = {
        "requests": len(requests) / max(UNSEEN_PER_MINUTE, profile.per_minute[now.hour]) / minutes,
        "tokens a request": tokens / profile.tokens if profile.tokens else 1.0,
        "misses of the cache": (1 - cached) / (1 - profile.cached) if profile.cached < 1 else 1.0,
    }
    retried = sum(one.retried for one in requests) / len(requests)
    told = [f"{times:.1f} times the {what}" for what, times in causes.items() if times >= 1.8]
    if retried > 0.3:
        told.append(f"{retried:.0%} were tried more than once")
    return ", ".join(told) or "dearer calls"


def _dearest(requests: list[SettledRequest], what: str) -> str:
    """The model or intent that most of the money went to."""
    sums: Counter[str] = Counter()
    for request in requests:
        sums[getattr(request, what)] += float(request.cost_usd)  # type: ignore[assignment]  # a Counter of dollars
    return sums.most_common(1)[0][0] if sums else "–"
