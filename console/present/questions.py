"""The question before an action that costs money, stops traffic, or lets private data leave the machine."""

from decimal import Decimal

from backends.settings.privacy import STRICTEST_FIRST
from backends.text.measures import count
from backends.text.usd import usd_limit
from backends.types import CLOUD, Action, BudgetState
from console.present.session_rows import label
from console.state import ViewState

TO_THE_CLOUD = (CLOUD, "prefer-cloud")
"""Policies that send an agent's requests there."""
AGENTS_PRIVACY = ("sensitive", "privacy", "secrets", "personal")
"""Settings of an agent that decide what of it may leave this machine."""
STRICT_VALUES = ("true", STRICTEST_FIRST[0])
"""Values that let nothing out."""
UNKNOWN_STATE = ViewState()


def question(action: Action, state: ViewState = UNKNOWN_STATE) -> str:  # noqa: PLR0911 — one for each verb
    """One to confirm, naming what the action is about and what follows; "" where it needs none."""
    who = _who(action, state)
    match action.verb:
        case "stop-cloud":
            return _stop_cloud(state)
        case "pause":
            return f"Pause {who}? Its requests get 429 until it is resumed; what runs now ends as it would."
        case "resume":
            return f"Let {who} go on? Its requests are answered again, and cost again."
        case "allow":
            return f"Let what was found pass for {action.agent}? It may then go to the cloud as it is."
        case "redact":
            return (
                f"Redact what is private of {action.agent}? Its requests may then go to the cloud, with placeholders."
            )
        case "drain":
            return f"Drain {action.engine}? New requests go elsewhere or are refused; what runs there ends as it would."
        case "cancel-agent":
            calls = sum(call.agent == action.agent for call in state.in_flight)
            known = f", {count(calls)} now," if calls else ""
            return f"Cancel all requests of {action.agent} that run or wait{known}? Their clients are told so."
        case "unload":
            return f"Unload {action.model or 'the model'} from {action.engine}? Its next call waits until it is loaded."
        case "flush-cache":
            entries = state.cache.entries if state.cache else 0
            return f"Flush the cache? This deletes {count(entries)} stored answers and cannot be undone."
        case "adopt":
            return f"Make {action.model} the model of {action.engine} for good? Its requests then go there."
        case "set" | "unset" if key := _lets_out(action):
            return f"Change {key}? What is private may then leave this machine."
        case "set-budget" if (raised := _raised(action, state)) is not None:
            return f"Raise the budget {action.scope} per {action.window}: {raised}{_span(action)}?"
    return ""


def _lets_out(action: Action) -> str:
    """The setting whose change may let more leave this machine, "" for none. Whether it does is the core's to know."""
    for key, value in (action.values or {action.key or "": action.value}).items():
        name = key.rpartition(".")[2]
        about_privacy = key.startswith("privacy.") or (key.startswith("agents.") and name in AGENTS_PRIVACY)
        if about_privacy and value not in STRICT_VALUES:
            return key
    return ""


def change_of(before: Decimal, after: Decimal) -> str:
    """One limit and another: `$5 → $250 (50 ×)`."""
    times = f" ({float(after / before):.3g} ×)" if before and after > before else ""
    return f"{usd_limit(before)} → {usd_limit(after)}{times}"


def _who(action: Action, state: ViewState) -> str:
    if not action.id:
        return f"{action.agent}"
    session = next((each for each in state.sessions if (each.agent, each.id) == (action.agent, action.id)), None)
    return f"session {label(session) if session else action.id} of {action.agent}"


def _stop_cloud(state: ViewState) -> str:
    clouds = {engine.name for engine in state.engines if engine.zone == CLOUD}
    there = sum(agent.pinned in clouds if agent.pinned else agent.policy in TO_THE_CLOUD for agent in state.agents)
    running = sum(call.zone == CLOUD for call in state.in_flight)
    facts = [f"{count(there)} agent{' goes' if there == 1 else 's go'} there by policy or pin"] if there else []
    if state.traffic.requests:
        facts.append(
            f"{count(state.traffic.cloud)} of the last {count(state.traffic.requests)} requests were answered there"
        )
    calls = f"{count(running)} call{' runs' if running == 1 else 's run'} on"
    return f"Stop cloud spend? {', '.join((*facts, calls))}. New requests go to local engines, or are refused."


def _raised(action: Action, state: ViewState) -> str | None:
    """From which limit to which, where it is a higher one."""
    budget = _budget_of(action, state)
    if budget is None or action.limit_usd is None or action.limit_usd <= budget.limit_usd:
        return None
    return change_of(budget.limit_usd, action.limit_usd)


def _budget_of(action: Action, state: ViewState) -> BudgetState | None:
    """The budget that an action is about, as it is now."""
    budgets = state.spend.budgets if state.spend else ()
    return next((each for each in budgets if (each.scope, each.window) == (action.scope, action.window)), None)


def _span(action: Action) -> str:
    return f" for {action.minutes:g} min" if action.minutes else ""
