"""What can rule an engine out: each rule once, in order."""

from collections.abc import Callable, Iterator, Sequence

from backends.routing.decide.inputs import EngineView, Inputs
from backends.types import CLOUD, LOCAL, EngineName, Reason

Ruling = tuple[EngineName, str]
"""An engine that a rule ruled out, and why, short enough for a table cell."""


def rulings(inputs: Inputs) -> dict[EngineName, list[Reason]]:
    """The reasons against each engine, in the rules' order; an engine with an empty list may answer."""
    against: dict[EngineName, list[Reason]] = {view.name: [] for view in inputs.engines}
    for name, rule in RULES.items():
        for engine, detail in rule(inputs):
            against[engine].append(Reason(rule=name, detail=detail))
    return against


def not_first(inputs: Inputs, views: Sequence[EngineView]) -> list[Ruling]:
    """The cloud's engines, where placeholders are for prompts that no local engine can answer in time."""
    late = {name for name, _ in too_slow(inputs, views)}
    if not inputs.verdict.local_first or not any(view.zone == LOCAL and view.name not in late for view in views):
        return []
    return [(view.name, "sensitive, and a local engine can answer") for view in views if view.zone == CLOUD]


def too_slow(inputs: Inputs, views: Sequence[EngineView]) -> list[Ruling]:
    """The engines that cannot end before the deadline."""
    limit_s = inputs.timeout_s or inputs.deadline_s
    late = []
    for view in views:
        seconds = view.at_least_s
        if seconds > limit_s:
            prefill = view.first_token_s is not None and view.first_token_s > limit_s
            what = f"~{view.first_token_s:.0f} s prefill" if prefill else f"about {seconds:.0f} s"
            late.append((view.name, f"{what}, deadline {limit_s:.0f} s"))
    return late


def fitted(inputs: Inputs, views: Sequence[EngineView]) -> list[Ruling]:
    """The engines whose window takes the prompt only in part. A session goes on where it is while only tools that it
    has never used are left out.
    """
    home = inputs.session.engine
    return [(view.name, view.fitted) for view in views if view.fitted and (view.cleared or view.name != home)]


def unforced(inputs: Inputs, views: Sequence[EngineView]) -> list[Ruling]:
    """The engines that cannot be forced to call a tool, where one must be called."""
    if not inputs.request.must_call:
        return []
    return [(view.name, "cannot be held to tool_choice") for view in views if not view.forces_tools]


def _asked(inputs: Inputs) -> Iterator[Ruling]:
    asked = inputs.asked
    if not asked:
        return
    request = inputs.request
    detail = f"model {request.model}" if request.engine == "auto" else f"engine {request.engine}"
    yield from ((view.name, detail) for view in inputs.engines if view.name not in asked)


def _pin(inputs: Inputs) -> Iterator[Ruling]:
    if inputs.pinned is not None:
        detail = f"{inputs.request.agent} is pinned to {inputs.pinned}"
        yield from ((view.name, detail) for view in inputs.engines if view.name != inputs.pinned)


def _policy(inputs: Inputs) -> Iterator[Ruling]:
    if (zone := inputs.zone) is not None:
        yield from ((view.name, inputs.policy) for view in inputs.engines if view.zone != zone)


def _allowed(inputs: Inputs) -> Iterator[Ruling]:
    for view in inputs.engines:
        if inputs.allowed_engines and view.name not in inputs.allowed_engines:
            yield view.name, f"engines {', '.join(inputs.allowed_engines)}"
        elif inputs.allowed_models and view.model not in inputs.allowed_models:
            yield view.name, f"models {', '.join(inputs.allowed_models)}"


def _needs(inputs: Inputs) -> Iterator[Ruling]:
    files = set(map(kind_of, inputs.classes.media))
    images = {file.media_type for message in inputs.request.messages for file in message.media if file.is_image}
    for view in inputs.engines:
        lack = _lack(inputs, view, files, images)
        if lack is not None:
            yield view.name, lack


def _lack(inputs: Inputs, view: EngineView, files: set[str], images: set[str]) -> str | None:
    """What an engine lacks for the request; `files` are the kinds of its files, `images` the types of its images."""
    if "image" in files and not view.vision:
        return "cannot see images"
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
    """As the call is capped: the output gets what the prompt leaves of the window, which must not be too little."""
    for view in inputs.engines:
        tokens = inputs.tokens(view)
        least = min(view.least_output, inputs.request.sampling.max_tokens or view.least_output)
        if tokens + least > view.context:
            yield view.name, f"prompt of ~{tokens:,} tokens, window {view.context:,}"


def kind_of(media_type: str) -> str:
    """What kind of file an engine must be able to read: image, pdf, audio, or its media type where it is no such."""
    return {"application/pdf": "pdf"}.get(media_type, media_type.partition("/")[0])


def _privacy(inputs: Inputs) -> Iterator[Ruling]:
    if not inputs.verdict.sensitive:
        return
    for view in inputs.engines:
        if view.zone == CLOUD and inputs.stays:
            yield view.name, f"sensitive: {inputs.verdict.why or 'unsure'}"
        elif view.zone == LOCAL and not view.local_proved:
            yield view.name, f"sensitive, and {view.unproved or f'{view.name} is not proved to be this machine'}"


def _stopped(inputs: Inputs) -> Iterator[Ruling]:
    if inputs.cloud_stopped:
        yield from ((view.name, "cloud is stopped") for view in inputs.within(CLOUD))


def _drained(inputs: Inputs) -> Iterator[Ruling]:
    yield from ((view.name, "drained by the operator") for view in inputs.engines if view.draining)


def _engine(inputs: Inputs) -> Iterator[Ruling]:
    for view in inputs.engines:
        if not view.usable:
            yield view.name, view.why_not or "not usable"


def _ceiling(inputs: Inputs) -> Iterator[Ruling]:
    for view in inputs.engines:
        if inputs.over_ceiling(view):
            yield view.name, f"from ${view.worst_usd:f} on, ceiling ${inputs.ceiling_usd:f} a request"


def _budget(inputs: Inputs) -> Iterator[Ruling]:
    for view in inputs.engines:
        if view.over_budget and view.room.on_exceeded not in ("refuse", "alert"):
            yield view.name, budget_detail(view)


def budget_detail(view: EngineView) -> str:
    held = ", calls in flight hold the rest" if view.held_up else ""
    return f"up to ${view.worst_usd:f}, left ${view.room.left_usd:f}{held} ({view.room.scope or 'all'})"


RULES: dict[str, Callable[[Inputs], Iterator[Ruling]]] = {
    "asked": _asked,
    "pin": _pin,
    "policy": _policy,
    "allowed": _allowed,
    "needs": _needs,
    "window": _window,
    "privacy": _privacy,
    "stopped": _stopped,
    "drained": _drained,
    "engine": _engine,
    "ceiling": _ceiling,
    "budget": _budget,
}
