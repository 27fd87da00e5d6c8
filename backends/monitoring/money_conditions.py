"""What is wrong with money and quotas: budgets that fill up or refuse, a provider's day that nears its end.

Pure functions of the ledger's budgets, the requests of the last seconds and the engines' states.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from decimal import Decimal

from backends.monitoring.alerts import (
    BUDGET_OVERRUN,
    BUDGET_REFUSES,
    BUDGET_USED,
    QUOTA_NEARLY_USED,
    SESSIONS_NEARLY_SPENT,
)
from backends.monitoring.touched import EndedRequest, Touches
from backends.monitoring.watch import Holding, Watch, Watcher, beyond
from backends.settings.alert_limits import AlertLimits
from backends.settings.money import EACH
from backends.text.measures import count
from backends.text.times import clock
from backends.text.usd import usd_cents
from backends.types import LOCAL, Action, BudgetState, Choice, EngineState, QuotaLimit, QuotaState

REFUSALS = frozenset({"budget", "session_budget"})
BACK = 0.99
"""Spend never falls within a window, but reservations come and go."""


def budget_used(budget: BudgetState, limits: AlertLimits, standing: Collection[str]) -> Iterator[Holding]:
    """The highest level that a budget has reached: reservations included, but nothing is full before it is spent."""
    if budget.limit_usd <= 0:
        return
    spent = float(budget.spent_usd / budget.limit_usd)
    held = float((budget.spent_usd + budget.reserved_usd) / budget.limit_usd)
    for level in sorted({*limits.budget_shares, budget.alert_at}, reverse=True):
        found = Holding(
            condition=BUDGET_USED,
            fields={
                "scope": budget.scope,
                "window": budget.window,
                "level": f"{level * 100:g}",
                "left": usd_cents(budget.left_usd),
                "limit": usd_cents(budget.limit_usd),
                "then": _then(budget),
            },
            severity="critical" if level >= 1 else None,
            choices=_raise(budget),
            touches=Touches(kinds=REFUSALS) if level >= 1 else None,
        )
        if beyond(spent if level >= 1 else held, level, standing=found.key in standing, margin=BACK):
            yield found
            return


def _then(budget: BudgetState) -> str:
    anew = f", anew at {clock(budget.resets_at, minutes=True)}" if budget.resets_at else ""
    words = {LOCAL: "then local engines alone", "refuse": "then requests are refused", "alert": "nothing is refused"}
    return words[budget.on_exceeded] + anew


def _raise(budget: BudgetState) -> tuple[Choice, ...]:
    more = budget.limit_usd * 2
    label = f"raise {usd_cents(budget.limit_usd)} → {usd_cents(more)}"
    action = Action(
        verb="set-budget", actor="console", scope=budget.scope, window=budget.window, limit_usd=Decimal(f"{more:f}")
    )
    return (Choice(label=label, action=action),)


def budget_overrun(budget: BudgetState) -> Iterator[Holding]:
    """A limit holds, except for what a provider bills beyond the caps that its calls were given."""
    if budget.overrun_usd:
        fields = {"scope": budget.scope, "window": budget.window, "models": ", ".join(budget.overrun_by)}
        yield Holding(condition=BUDGET_OVERRUN, fields=fields | {"overrun_usd": budget.overrun_usd})


def sessions_nearly_spent(budget: BudgetState) -> Iterator[Holding]:
    """A budget that limits each session or run: one alert for all that are near their limit."""
    if budget.near and budget.limit_usd > 0:
        yield Holding(
            condition=SESSIONS_NEARLY_SPENT,
            fields={
                "scope": budget.scope,
                "window": budget.window,
                "near": budget.near - budget.spent_out,
                "spent_out": budget.spent_out,
                "limit_usd": budget.limit_usd,
            },
        )


def budget_refuses(ended: Iterable[EndedRequest], budgets: Sequence[BudgetState]) -> Iterator[Holding]:
    """Requests of the last seconds that a budget refused. `budgets` are all of them; the fullest is named."""
    refused = [each for each in ended if each.how == "refused" and each.kind in REFUSALS]
    if not refused:
        return
    full = min(
        (each for each in budgets if each.on_exceeded != "alert" and each.limit_usd > 0),
        key=lambda each: each.left_usd / each.limit_usd,
        default=None,
    )
    named = "" if full is None else f": {full.scope} a {full.window} has {usd_cents(full.left_usd)} left"
    yield Holding(
        condition=BUDGET_REFUSES,
        fields={"named": named},
        since=refused[0].began,
        choices=() if full is None or full.scope in EACH else _raise(full),
        touches=Touches(kinds=REFUSALS, hows=frozenset({"refused"})),
    )


def quota_nearly_used(engine: EngineState, limits: AlertLimits, standing: Collection[str]) -> Iterator[Holding]:
    """The calls or tokens of a provider's day, where it has named its limit; one that is used up is an alert itself."""
    if engine.reopens_at is not None:
        return
    for quota in engine.quota:
        for known in quota.limits:
            if known.window != "day" or not known.limit:
                continue
            used, what = _used(quota, known)
            found = Holding(
                condition=QUOTA_NEARLY_USED,
                fields={
                    "engine": engine.name,
                    "model": quota.model,
                    "used": count(used),
                    "limit": count(known.limit),
                    "what": what,
                    "renewed": f", renewed at {clock(quota.resets_at, minutes=True)}" if quota.resets_at else "",
                },
                choices=(
                    Choice(
                        label=f"drain {engine.name}",
                        action=Action(verb="drain", actor="console", engine=engine.name),
                    ),
                ),
            )
            if beyond(used / known.limit, limits.quota_share, standing=found.key in standing):
                yield found
                break


def _used(quota: QuotaState, limit: QuotaLimit) -> tuple[int, str]:
    if limit.metric == "requests":
        return quota.day_requests, "calls"
    return quota.day_input_tokens, "input tokens"


def watch_money(
    budgets: Callable[[], Sequence[BudgetState]],
    engines: Callable[[], Iterable[EngineState]],
    ended: Iterable[EndedRequest],
    watch: Watch,
) -> Watcher:
    def find() -> list[Holding]:
        found, limits, standing = budgets(), watch.limits, watch.standing
        holding = [*budget_refuses(ended, found)]
        for budget in found:
            holding += budget_overrun(budget)
            if budget.scope in EACH:
                holding += sessions_nearly_spent(budget)
            else:
                holding += budget_used(budget, limits, standing)
        for engine in engines():
            holding += quota_nearly_used(engine, limits, standing)
        return holding

    return find
