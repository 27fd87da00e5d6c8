"""The upstream call of a request: its limits on output and cost, and thinking only where the prompt is hard.

The part that is the same for all engines is built once a request; each candidate adds its model and its limits.
"""

from collections.abc import Callable, Iterator, Sequence
from decimal import Decimal

from msgspec.structs import replace

from backends.catalogue import thinking_room
from backends.catalogue.thinking import ROOM
from backends.engines.base import Call
from backends.ledger.reservations import Headroom
from backends.types import CLOUD, LOCAL, Classes, Message, Request, Zone
from backends.upstream.engine_slot import EngineSlot, ModelProfile
from backends.upstream.token_count import count

THINKS_FROM = 0.6
"""Complexity above which four fifths of the prompts are that people call hard, and a quarter of the others."""


USUAL_OUTPUT: dict[Zone, int] = {LOCAL: 4096, CLOUD: 8192}
"""Output tokens that are allowed where a request names no number."""

HELD_TIMES, SPENT_TIMES = 8, 2
"""To how many times its expected length an answer may be limited where a budget is held, and where it is spent."""

USUAL_THINKING = 2048
"""Thinking tokens for a hard prompt, where neither settings nor request name a number."""


def draft_call(request: Request, classes: Classes, size: int = 0) -> Call:
    """The part of an upstream call that is the same for every engine that may see `request`."""
    sampling = request.sampling
    return Call(
        id=request.id,
        model="",
        messages=request.messages,
        tools=request.tools,
        tool_choice=request.tool_choice,
        parallel_tool_calls=request.parallel_tool_calls,
        response_format=request.response_format,
        temperature=sampling.temperature,
        top_p=sampling.top_p,
        top_k=sampling.top_k,
        min_p=sampling.min_p,
        frequency_penalty=sampling.frequency_penalty,
        presence_penalty=sampling.presence_penalty,
        logit_bias=sampling.logit_bias,
        seed=sampling.seed,
        stop=sampling.stop,
        max_output=1,
        effort=sampling.effort,
        input_tokens=classes.input_tokens,
        most_tokens=classes.most_tokens,
        size=size,
        first_byte_s=0.0,
        idle_s=0.0,
    )


def build_call(
    draft: Call, request: Request, classes: Classes, *, slot: EngineSlot, profile: ModelProfile, input_tokens: int
) -> Call:
    """The call to one engine. Its worst case in tokens is `most_tokens + max_output + thinking_budget`.

    The output gets what the request names, as far as the engine's cap, its model and what the prompt leaves of its
    window allow. The thinking budget is what the model will use, whether it is told or not. `input_tokens` is the
    prompt's length as this engine counts.
    """
    settings, can, thinking = slot.settings, profile.can, None
    if can.thinking is not None:
        allowed = _thinking(request, classes, can.thinking_cap)
        thinking = min(thinking_room(can.thinking, request.sampling.effort, allowed), can.max_output // 2)
    wanted = request.sampling.max_tokens or settings.max_output or USUAL_OUTPUT[slot.zone]
    room = min(settings.max_output or can.max_output, can.max_output - (thinking or 0), can.context - input_tokens)
    return replace(
        draft,
        model=profile.model,
        max_output=max(1, min(wanted, room)),
        thinking_budget=thinking,
        input_tokens=input_tokens,
        first_byte_s=settings.first_byte_s,
        idle_s=settings.idle_s,
    )


def followed_by(call: Call, told: Sequence[Message], *, window: int) -> Call:
    """The call with further messages behind its own, and as much output as the window then leaves."""
    tokens = call.input_tokens + count(told)
    return replace(
        call,
        messages=(*call.messages, *told),
        input_tokens=tokens,
        most_tokens=0,
        max_output=max(1, min(call.max_output, window - tokens)),
    )


def capped(call: Call, cap_usd: Decimal, *, worst: Callable[[Call], Decimal], useful: int) -> Call:
    """The most of the call that fits its agent's cap on cost: its output is cut down to `useful` tokens, then its
    thinking, too.

    `worst` is what a call can cost at the most. Where not even the useful output without thinking fits, that call is
    returned all the same: its cost says by how much it is over the cap.
    """
    if worst(call) <= cap_usd:
        return call
    least = min(useful, call.max_output)
    for thinking in dict.fromkeys((call.thinking_budget or 0, 0)):
        if worst(_cut(call, least, thinking)) <= cap_usd:
            return _largest(call, cap_usd, worst, least, thinking)
    return _cut(call, least, 0)


def within_budget(call: Call, room: Headroom, *, worst: Callable[[Call], Decimal], useful: int) -> tuple[Call, str]:
    """The most of the call that the rest of the budgets holds, and a note where that limits its answer.

    Where calls in flight hold what is missing, and waiting for them would help, an answer is only limited to what
    hardly any needs, and its thinking is kept. Where the money is spent, it is limited to no less than twice what is
    useful: half of all answers are longer than usual, and one that is cut off is paid for nothing. Where not even that
    fits, the call is returned as it is.
    """
    if room.left_usd is None or room.unspent_usd is None or (whole := worst(call)) <= room.left_usd:
        return call, ""
    held = whole <= room.unspent_usd
    least = min(call.max_output, (HELD_TIMES if held else SPENT_TIMES) * useful)
    for limit_usd in (room.left_usd,) if held else (room.left_usd, room.unspent_usd):
        fitting = capped(call, limit_usd, worst=worst, useful=least)
        if worst(fitting) <= limit_usd and not (held and fitting.thinking_budget != call.thinking_budget):
            return fitting, f"answer limited to {fitting.max_output} tokens by the rest of the budget {room.scope}"
    return call, ""


def _cut(call: Call, output: int, thinking: int) -> Call:
    budget = None if call.thinking_budget is None else min(call.thinking_budget, thinking)
    return replace(call, max_output=min(call.max_output, output), thinking_budget=budget)


def _largest(call: Call, cap_usd: Decimal, worst: Callable[[Call], Decimal], least: int, thinking: int) -> Call:
    """With the largest output between `least`, which fits, and the call's own, which does not."""
    fits, too_much = least, call.max_output + 1
    while too_much - fits > 1:
        middle = (fits + too_much) // 2
        if worst(_cut(call, middle, thinking)) <= cap_usd:
            fits = middle
        else:
            too_much = middle
    return _cut(call, fits, thinking)


def ignored(request: Request, call: Call, slot: EngineSlot) -> tuple[str, ...]:
    """The names of the request's fields that have no effect on its call to this engine."""
    # 0 tokens of thinking mean an effort of "none", which the engine reports by itself
    budget = ("thinking_budget",) if request.sampling.thinking_budget and call.thinking_budget is None else ()
    client = slot.replicas.foremost.client
    return tuple(dict.fromkeys((*request.ignored, *budget, *client.ignores(call))))


def cuts(request: Request, call: Call) -> Iterator[str]:
    """Which of the request's own numbers the call cannot keep, a phrase each."""
    wanted = request.sampling.max_tokens
    if wanted is not None and call.max_output < wanted:
        yield f"max_tokens {wanted} cut to {call.max_output}"
    effort = request.sampling.effort
    if effort is not None and call.thinking_budget is not None and call.thinking_budget < ROOM[effort]:
        yield f"reasoning_effort {effort} cut to {call.thinking_budget} thinking tokens"


def _thinking(request: Request, classes: Classes, cap: int | None) -> int:
    """Thinking tokens: what the request's effort asks for, else what is usual or allowed where the prompt is hard."""
    effort = request.sampling.effort
    if effort is not None:
        wanted = ROOM[effort]
    else:
        wanted = 0 if classes.complexity < THINKS_FROM else USUAL_THINKING if cap is None else cap
    caps = [most for most in (request.sampling.thinking_budget, cap) if most is not None]
    return min([wanted, *caps])
