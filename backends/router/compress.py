"""A call no larger than it needs to be: a cap on its output, and thinking only where the prompt is hard."""

from backends.engines.base import Call
from backends.settings import CloudEngine, LocalEngine
from backends.types import Classes, EngineName, Request

THINKS_FROM = 0.6  # complexity: four fifths of agents' prompts that people call hard lie above, a quarter of the others


def compress(request: Request, classes: Classes, engine: EngineName, settings: LocalEngine | CloudEngine) -> Call:
    """Build the upstream call. Its worst case in tokens is `input_tokens + max_output + thinking_budget`."""
    model = request.model if request.model and request.engine == engine else settings.model
    thinking = None
    if isinstance(settings, CloudEngine):
        thinking = settings.thinking_budget if classes.complexity >= THINKS_FROM else 0
        if request.sampling.thinking_budget is not None:
            thinking = min(thinking, request.sampling.thinking_budget)
    return Call(
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
        max_output=min(request.sampling.max_tokens or settings.max_output, settings.max_output),
        effort=request.sampling.effort,
        thinking_budget=thinking,
        input_tokens=classes.input_tokens,
        first_byte_s=settings.first_byte_s,
        idle_s=settings.idle_s,
    )
