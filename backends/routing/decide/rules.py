"""What can rule an engine out, each rule once, in the order in which they speak."""

from collections.abc import Callable, Iterator

from backends.routing.decide.inputs import EngineView, Inputs, other
from backends.types import EngineName, Reason

Ruling = tuple[EngineName, str]
"""An engine that a rule took out, and why, short enough for a table cell."""


def rulings(inputs: Inputs) -> dict[EngineName, list[Reason]]:
    """What each rule holds against each engine, in the rules' order; an engine with an empty list may answer."""
    against: dict[EngineName, list[Reason]] = {"local": [], "cloud": []}
    for name, rule in RULES.items():
        for engine, detail in rule(inputs):
            against[engine].append(Reason(rule=name, detail=detail))
    return against


def too_slow(inputs: Inputs) -> Ruling | None:
    """The engine that cannot end before the deadline, where the other one can."""
    limit_s = inputs.timeout_s or inputs.deadline_s
    late = [view for view in inputs.engines if view.at_least_s > limit_s]
    if len(late) != 1:
        return None
    return late[0].name, f"about {late[0].at_least_s:.0f} s, deadline {limit_s:.0f} s"


def unforced(inputs: Inputs) -> Ruling | None:
    """The engine that cannot be held to calling a tool, where one must be called and the other engine can."""
    if not inputs.request.must_call:
        return None
    free = [view for view in inputs.engines if not view.forces_tools]
    return (free[0].name, "cannot be held to tool_choice") if len(free) == 1 else None


def _asked(inputs: Inputs) -> Iterator[Ruling]:
    if inputs.asked is not None:
        by = "model" if inputs.request.engine == "auto" else "engine"
        yield other(inputs.asked), f"{by} {inputs.view(inputs.asked).model if by == 'model' else inputs.asked}"


def _pin(inputs: Inputs) -> Iterator[Ruling]:
    if inputs.pinned is not None:
        yield other(inputs.pinned), f"{inputs.request.agent} is pinned to {inputs.pinned}"


def _policy(inputs: Inputs) -> Iterator[Ruling]:
    if inputs.pinned is None and inputs.policy in ("local", "cloud"):
        yield ("cloud" if inputs.policy == "local" else "local"), inputs.policy


def _allowed(inputs: Inputs) -> Iterator[Ruling]:
    for view in inputs.engines:
        if inputs.allowed_engines and view.name not in inputs.allowed_engines:
            yield view.name, f"engines {', '.join(inputs.allowed_engines)}"
        elif inputs.allowed_models and view.model not in inputs.allowed_models:
            yield view.name, f"models {', '.join(inputs.allowed_models)}"


def _needs(inputs: Inputs) -> Iterator[Ruling]:
    for view in inputs.engines:
        lack = _lack(inputs, view)
        if lack is not None:
            yield view.name, lack


def _lack(inputs: Inputs, view: EngineView) -> str | None:
    files = set(map(kind_of, inputs.classes.media))
    if "image" in files and not view.vision:
        return "cannot see images"
    images = {file.media_type for message in inputs.request.messages for file in message.media if file.is_image}
    if view.images and (unread := images - view.images):
        return f"takes no {' or '.join(sorted(unread))}"
    if unread := files - {"image"} - view.media:
        return f"cannot read {' or '.join(sorted(unread))}"
    if not view.tools and inputs.request.tools:
        return "cannot call tools"
    if not view.schema and inputs.request.response_format.kind == "schema":
        return "cannot keep to a JSON schema"
    return None


def _window(inputs: Inputs) -> Iterator[Ruling]:
    """The same sum that caps the call: the output gets what the window leaves, and that must not be too little."""
    for view in inputs.engines:
        tokens = inputs.tokens(view)
        least = min(view.least_output, inputs.request.sampling.max_tokens or view.least_output)
        if tokens + least > view.context:
            yield view.name, f"prompt of ~{tokens:,} tokens, window {view.context:,}"


def kind_of(media_type: str) -> str:
    """What kind of file an engine must be able to read: image, pdf, audio, or its media type where it is no such."""
    return {"application/pdf": "pdf"}.get(media_type, media_type.partition("/")[0])


def _privacy(inputs: Inputs) -> Iterator[Ruling]:
    if inputs.stays:
        yield "cloud", f"sensitive: {inputs.verdict.why or 'unsure'}"
    if inputs.verdict.sensitive and not inputs.local.local_proved:
        yield "local", f"sensitive, and {inputs.local.unproved or 'local is not proved to be this machine'}"


def _stopped(inputs: Inputs) -> Iterator[Ruling]:
    if inputs.cloud_stopped:
        yield "cloud", "cloud is stopped"


def _engine(inputs: Inputs) -> Iterator[Ruling]:
    for view in inputs.engines:
        if not view.usable:
            yield view.name, view.why_not or "not usable"


def _ceiling(inputs: Inputs) -> Iterator[Ruling]:
    if inputs.over_ceiling:
        yield "cloud", f"from ${inputs.cloud.worst_usd:f} on, ceiling ${inputs.ceiling_usd:f} a request"


def _budget(inputs: Inputs) -> Iterator[Ruling]:
    if inputs.over_budget and inputs.room_on_exceeded not in ("refuse", "alert"):
        yield "cloud", budget_detail(inputs)


def budget_detail(inputs: Inputs) -> str:
    held = ", calls in flight hold the rest" if inputs.held_up else ""
    return f"up to ${inputs.cloud.worst_usd:f}, left ${inputs.room_left_usd:f}{held} ({inputs.room_scope or 'all'})"


RULES: dict[str, Callable[[Inputs], Iterator[Ruling]]] = {
    "asked": _asked,
    "pin": _pin,
    "policy": _policy,
    "allowed": _allowed,
    "needs": _needs,
    "window": _window,
    "privacy": _privacy,
    "stopped": _stopped,
    "engine": _engine,
    "ceiling": _ceiling,
    "budget": _budget,
}
