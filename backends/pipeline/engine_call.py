"""A call no larger than it needs to be: room for its output, and thinking only where the prompt is hard."""

from collections.abc import Iterator

from backends.catalogue import thinking_room
from backends.catalogue.thinking import ROOM
from backends.engines.base import Call
from backends.pipeline.cost_cap import Cut
from backends.settings.engines import GeminiSettings, ServerSettings
from backends.types import Classes, EngineName, Request
from backends.upstream.engine_slot import EngineSlot

THINKS_FROM = 0.6  # complexity: four fifths of agents' prompts that people call hard lie above, a quarter of the others

USUAL_OUTPUT: dict[EngineName, int] = {"local": 4096, "cloud": 8192}
"""Output tokens that are set aside where a request names no number."""

USUAL_THINKING = 2048
"""Thinking tokens for a hard prompt, where neither settings nor request name a number."""


def build_call(request: Request, classes: Classes, slot: EngineSlot, limit: Cut | None = None) -> Call:
    """Build the upstream call. Its worst case in tokens is `input_tokens + max_output + thinking_budget`.

    The output gets what the request names, as far as the engine's cap, its model and what the prompt leaves of its
    window allow. What is set aside for thinking is what the model will take, told or not. `limit` is what the agent's
    ceiling leaves of a call to the cloud.
    """
    settings, window = slot.settings, slot.context
    model = model_asked(request, slot.name, settings)
    thinking, writes = None, window
    if isinstance(settings, GeminiSettings):
        known = slot.catalogue.model(model)
        writes = known.max_output
        allowed = _thinking(request, classes, settings)
        thinking = min(thinking_room(known, request.sampling.effort, allowed), writes // 2)
    wanted = request.sampling.max_tokens or settings.max_output or USUAL_OUTPUT[slot.name]
    room = min(settings.max_output or writes, writes - (thinking or 0), window - classes.input_tokens)
    call = Call(
        id=request.id,
        model=model,
        messages=request.messages,
        tools=request.tools,
        tool_choice=request.tool_choice,
        parallel_tool_calls=request.parallel_tool_calls,
        response_format=request.response_format,
        temperature=request.sampling.temperature,
        top_p=request.sampling.top_p,
        top_k=request.sampling.top_k,
        min_p=request.sampling.min_p,
        frequency_penalty=request.sampling.frequency_penalty,
        presence_penalty=request.sampling.presence_penalty,
        logit_bias=request.sampling.logit_bias,
        seed=request.sampling.seed,
        stop=request.sampling.stop,
        max_output=max(1, min(wanted, room)),
        effort=request.sampling.effort,
        thinking_budget=thinking,
        input_tokens=classes.input_tokens,
        most_tokens=classes.most_tokens,
        first_byte_s=settings.first_byte_s,
        idle_s=settings.idle_s,
    )
    return limit.of(call) if limit is not None and slot.name == "cloud" else call


def ignored(request: Request, call: Call, slot: EngineSlot) -> tuple[str, ...]:
    """The names of the request's fields that have no effect on its call to this engine."""
    # 0 tokens of thinking are an effort of none, which an engine has its own word on
    budget = ("thinking_budget",) if request.sampling.thinking_budget and call.thinking_budget is None else ()
    return tuple(dict.fromkeys((*request.ignored, *budget, *slot.engine.ignores(call))))


def model_asked(request: Request, engine: EngineName, settings: ServerSettings | GeminiSettings) -> str:
    """The model that a call to this engine names."""
    return request.model if request.model and request.engine == engine else settings.model


def cuts(request: Request, call: Call) -> Iterator[str]:
    """What of the request's own numbers the call cannot hold to, a phrase each."""
    wanted = request.sampling.max_tokens
    if wanted is not None and call.max_output < wanted:
        yield f"max_tokens {wanted} cut to {call.max_output}"
    effort = request.sampling.effort
    if effort is not None and call.thinking_budget is not None and call.thinking_budget < ROOM[effort]:
        yield f"reasoning_effort {effort} cut to {call.thinking_budget} thinking tokens"


def _thinking(request: Request, classes: Classes, settings: GeminiSettings) -> int:
    """Thinking tokens: what the request's effort asks for, else what is usual or allowed where the prompt is hard."""
    effort, cap = request.sampling.effort, settings.thinking_budget
    if effort is not None:
        wanted = ROOM[effort]
    else:
        wanted = 0 if classes.complexity < THINKS_FROM else USUAL_THINKING if cap is None else cap
    caps = [most for most in (request.sampling.thinking_budget, cap) if most is not None]
    return min([wanted, *caps])
