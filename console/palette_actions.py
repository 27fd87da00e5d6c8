"""The operator's actions by name, for the palette: those that make sense in the state on screen."""

from collections.abc import Iterator
from typing import NamedTuple, get_args

from msgspec.structs import replace

from backends.text.terminal_safe import safe
from backends.types import LOCAL, Action, AgentState, Policy
from console.state import ViewState

POLICIES: tuple[Policy, ...] = get_args(Policy)
SILENCED_MIN = 60.0


class NamedAction(NamedTuple):
    """`name` begins with the verb and names its object; `help` says what follows."""

    name: str
    help: str
    action: Action


def named_actions(state: ViewState) -> Iterator[NamedAction]:
    for alert in state.alerts:
        about = f"alert: {safe(alert.text)}"
        for choice in alert.choices:
            action = choice.action
            label = safe(choice.label)
            yield NamedAction(f"{label[:1].upper()}{label[1:]}", about, replace(action, actor="console"))
        if alert.state != "acknowledged":
            yield NamedAction(f"Acknowledge {about}", "somebody has seen it", _act("acknowledge", id=alert.id))
        if alert.state != "silenced":
            silence = _act("silence", id=alert.id, minutes=SILENCED_MIN)
            yield NamedAction(f"Silence {about}", "for an hour", silence)
    yield from drains(state)
    yield from model_actions(state)
    for agent in state.agents:
        yield from _of_agent(agent, state)
    yield NamedAction("Reload claw.toml", "take its changes into force", _act("reload"))
    yield NamedAction("Relearn from ratings", "weigh the operator's ratings again", _act("relearn"))


def _act(verb: str, **fields: object) -> Action:
    return Action(verb=verb, actor="console", **fields)  # type: ignore[arg-type]


def drains(state: ViewState) -> Iterator[NamedAction]:
    """For each engine to drain it, or to take it back into use."""
    for engine in state.engines:
        name = safe(engine.name)
        if engine.draining:
            yield NamedAction(f"Undrain {name}", "it gets new requests again", _act("undrain", engine=engine.name))
        else:
            yield NamedAction(f"Drain {name}", "new requests go elsewhere", _act("drain", engine=engine.name))


def model_actions(state: ViewState) -> Iterator[NamedAction]:
    """What can be done about the models in the memory of each local engine that lets it be done."""
    for engine in state.engines:
        if engine.zone != LOCAL or engine.kind != "ollama":
            continue
        runtime, name, own = state.runtimes.get(engine.name), safe(engine.name), safe(engine.model)
        load, warm = (_act(verb, engine=engine.name) for verb in ("load", "warm"))
        yield NamedAction(f"Load {own} on {name}", "so that the next call starts at once", load)
        yield NamedAction(f"Warm {own} on {name}", "load it and answer a word, so that all is compiled", warm)
        for model in runtime.models if runtime else ():
            unload = _act("unload", engine=engine.name, model=model.name)
            yield NamedAction(f"Unload {safe(model.name)} from {name}", "frees the GPU's memory", unload)


def _of_agent(agent: AgentState, state: ViewState) -> Iterator[NamedAction]:
    name = safe(agent.name)
    if agent.paused:
        resume = _act("resume", agent=agent.name)
        yield NamedAction(f"Resume agent {name}", "its requests are answered again", resume)
    else:
        yield NamedAction(f"Pause agent {name}", "its requests get 429", _act("pause", agent=agent.name))
    if any(call.agent == agent.name for call in state.in_flight):
        cancel = _act("cancel-agent", agent=agent.name)
        yield NamedAction(f"Cancel all requests of {name}", "what runs and waits now", cancel)
    for policy in POLICIES:
        if policy != agent.policy:
            change = _act("set", key=f"agents.{agent.name}.policy", value=policy)
            yield NamedAction(f"Policy of {name}: {policy}", f"now {agent.policy}; undo takes it back", change)
