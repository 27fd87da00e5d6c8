"""Does unusual spend raise an alert within minutes, and does ordinary spend raise none?

    python -m benchmarks.evaluation.anomalies [--seeds 10] [--busy 1] [--json]

Invents three weeks of traffic of eleven agents, with days and nights, bursts of jobs on the hour, a cache and two
engines. The detector learns from two weeks. The third is replayed minute by minute, once as it is, and once with each
of ten faults, each at a time of its own.
"""

import argparse
import json
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from random import Random
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from backends.finops.anomaly import AnomalyDetector, SettledRequest, traits
from backends.finops.spend_profile import RequestBucket, SpendProfiles, Traits, profiles_from
from backends.types import Attempt, CacheResult, Outcome, Tokens

START = datetime(2026, 9, 7, tzinfo=UTC)
TAUGHT, REPLAYED = 14 * 1440, 7 * 1440  # minutes
CENT = Decimal("0.000001")
IN_USD, OUT_USD = Decimal("0.3"), Decimal("2.5")  # a million tokens
CAP = 8192  # output tokens of a call
FOUND_MIN = 5


class Habit(Struct, frozen=True, kw_only=True):
    """How an agent behaves: requests a minute by day and night, tokens of a request, shares of cache and local."""

    day: float
    night: float
    input: int
    output: int
    thinking: int = 0
    cached: float = 0.05
    local: float = 0.4
    jobs: int = 0
    """Requests at once on each full hour of the day."""
    price: int = 1
    tries: int = 1


HABITS = {
    "scout": Habit(day=0.5, night=0.2, input=900, output=300, local=1.0),
    "infra": Habit(day=1.0, night=1.0, input=300, output=60, local=1.0, cached=0.4),
    "script": Habit(day=0.8, night=0.0, input=700, output=400),
    "intel": Habit(day=0.6, night=0.1, input=2500, output=600, jobs=12),
    "classifier": Habit(day=4.0, night=2.0, input=250, output=15, cached=0.5, local=0.7),
    "agent": Habit(day=1.5, night=0.3, input=800, output=250),
    "claw": Habit(day=1.0, night=0.5, input=1200, output=350),
    "sherlock": Habit(day=0.3, night=0.0, input=6000, output=1500, thinking=1500, local=0.05),
    "writer": Habit(day=0.4, night=0.0, input=900, output=1200, local=0.2),
    "ada": Habit(day=0.3, night=0.05, input=4000, output=900, thinking=800, local=0.1, jobs=5),
    "coding": Habit(day=1.0, night=0.05, input=3000, output=700, thinking=400, local=0.3),
}
IDLE = Habit(day=0.0, night=0.0, input=900, output=400, local=0.0)

FAULTS: dict[str, tuple[str, Callable[[Habit], Habit]]] = {
    "a loop of requests": ("agent", lambda one: replace(one, day=one.day * 20, night=one.night * 20 + 5)),
    "a dearer model": ("coding", lambda one: replace(one, price=8)),
    "prompts that grow": ("claw", lambda one: replace(one, input=one.input * 25)),
    "answers that do not stop": ("writer", lambda one: replace(one, output=3 * CAP)),
    "thinking without end": ("coding", lambda one: replace(one, thinking=12_000)),
    "the cache gone": ("classifier", lambda one: replace(one, cached=0.0, local=0.0, output=120)),
    "local down, all to the cloud": ("infra", lambda one: replace(one, local=0.0, cached=0.0)),
    "retries that are billed": ("intel", lambda one: replace(one, tries=6)),
    "work at night": ("script", lambda one: replace(one, night=2.0, local=0.0)),
    "a new agent": ("stranger", lambda one: replace(one, day=3.0, night=3.0)),
}


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--seeds", type=int, default=10)
    arguments.add_argument("--json", action="store_true")
    arguments.add_argument("--busy", type=float, default=1.0, help="times the traffic of about 10 requests a minute")
    given = arguments.parse_args()
    figures = measured(given.seeds, given.busy)
    if given.json:
        print(json.dumps(figures))
        return
    print(f"false alarms in a quiet week: {figures['false_alarms']} (mean of {given.seeds} weeks)")
    for fault, row in figures["faults"].items():
        minutes = "–" if row["minutes"] is None else f"{row['minutes']:.1f} min"
        print(f"{fault:<30} found within {FOUND_MIN} min {row['found']:>5.0%}   median {minutes}")
    print(f"kinds found within {FOUND_MIN} min, of ten, mean: {figures['kinds']:.1f}")


def measured(seeds: int, busy: float) -> dict[str, Any]:
    alarms = 0
    taken: dict[str, list[float]] = {fault: [] for fault in FAULTS}
    for seed in range(seeds):
        profiles = taught(Random(seed), busy)
        alarms += len(told(profiles, Random(1_000 + seed), {}, busy))
        for fault, (agent, change) in FAULTS.items():
            dice = Random(f"{seed} {fault}")
            day, hour = dice.randrange(1, 6), dice.randrange(1, 5) if "night" in fault else dice.randrange(9, 17)
            begins = day * 1440 + hour * 60 + dice.randrange(60)
            habits = {agent: change(HABITS.get(agent, IDLE))}
            seen = [
                at for who, at in told(profiles, dice, habits, busy, begins=begins) if who == agent and at >= begins
            ]
            taken[fault].append(min(seen) - begins + 1 if seen else 60.0)
    faults = {
        fault: {
            "found": sum(one <= FOUND_MIN for one in minutes) / seeds,
            "minutes": sorted(minutes)[seeds // 2] if sorted(minutes)[seeds // 2] < 60 else None,
        }
        for fault, minutes in taken.items()
    }
    return {
        "seeds": seeds,
        "false_alarms": alarms / seeds,
        "faults": faults,
        "kinds": sum(row["found"] for row in faults.values()),
    }


def taught(dice: Random, busy: float) -> SpendProfiles:
    sums: dict[tuple[str, int], list[float]] = {}
    known: Traits = defaultdict(Counter)
    first = int(START.timestamp()) // 300
    for minute in range(TAUGHT):
        for outcome in requests(dice, minute, HABITS, busy):
            row = sums.setdefault((outcome.agent, first + minute // 5), [0.0] * 6)
            usd = float(outcome.cost_usd)
            whole = outcome.tokens.input + outcome.tokens.output + outcome.tokens.thinking
            if outcome.cost_usd:
                known[outcome.agent].update(traits(SettledRequest.of(outcome, 0.0)))
            for index, more in enumerate((1, usd > 0, usd, usd * usd, whole, outcome.cache == "exact")):
                row[index] += more
    buckets = [
        RequestBucket(agent, slot, int(row[0]), int(row[1]), row[2], row[3], int(row[4]), int(row[5]))
        for (agent, slot), row in sums.items()
    ]
    found = profiles_from(buckets, known, START + timedelta(minutes=TAUGHT))
    assert found is not None
    return found


def told(
    profiles: SpendProfiles, dice: Random, habits: dict[str, Habit], busy: float, *, begins: int | None = None
) -> list[tuple[str, int]]:
    """Who was told of and in which minute of the week, once an hour each; with a fault, only the hours around it."""
    detector = AnomalyDetector()
    found: list[tuple[str, int]] = []
    span = range(REPLAYED) if begins is None else range(begins - 60, begins + 20)
    for minute in span:
        everybody = HABITS | habits if begins is not None and minute >= begins else HABITS
        for outcome in requests(dice, TAUGHT + minute, everybody, busy):
            detector.record(outcome, minute * 60.0)
        now = START + timedelta(minutes=TAUGHT + minute + 1)
        for anomaly in detector.detect(profiles, minute * 60.0 + 60, now):
            if not any(who == anomaly.agent and minute - at < 60 for who, at in found):
                found.append((anomaly.agent, minute))
    return found


def requests(dice: Random, minute: int, habits: dict[str, Habit], busy: float) -> Iterator[Outcome]:
    hour = minute // 60 % 24
    for agent, habit in habits.items():
        by_day = 8 <= hour < 20
        count = poisson(dice, busy * (habit.day if by_day else habit.night))
        if by_day and minute % 60 == 0:
            count += round(habit.jobs * busy)
        for _ in range(count):
            yield request(dice, agent, habit)


def request(dice: Random, agent: str, habit: Habit) -> Outcome:
    draw = dice.random()
    cache: CacheResult = "exact" if draw < habit.cached else "miss"
    local = dice.random() < habit.local
    tokens = Tokens(
        input=round(habit.input * dice.lognormvariate(0, 0.6)),
        output=round(min(CAP, habit.output * dice.lognormvariate(0, 0.6))),
        thinking=round(habit.thinking * dice.lognormvariate(0, 0.8)),
    )
    usd = (tokens.input * IN_USD + (tokens.output + tokens.thinking) * OUT_USD) / 1_000_000 * habit.price * habit.tries
    free = local or cache == "exact"
    attempt = Attempt(
        engine="local" if local else "cloud", zone="local" if local else "cloud", model="m", tokens=tokens
    )
    return Outcome(
        id="x",
        agent=agent,
        started_at=START,
        source="traffic",
        engine="cache" if cache == "exact" else "local" if local else "cloud",
        zone="local" if free else "cloud",
        model="gemini-3.5-flash-lite" if habit.price == 1 else "gemini-2.5-pro",
        intent="chat",
        complexity=0.5,
        sensitive=False,
        reasons=(),
        cache=cache,
        tokens=Tokens() if cache == "exact" else tokens,
        cost_usd=Decimal(0) if free else usd.quantize(CENT),
        baseline_usd=usd,
        ttft_ms=None,
        latency_ms=1.0,
        finish="length" if tokens.output == CAP else "stop",
        attempts=(*(replace(attempt, error="busy: later"),) * (habit.tries - 1), attempt),
    )


def poisson(dice: Random, mean: float) -> int:
    count, left = 0, dice.expovariate(1.0)
    while left < mean:
        count, left = count + 1, left + dice.expovariate(1.0)
    return count


if __name__ == "__main__":
    main()
