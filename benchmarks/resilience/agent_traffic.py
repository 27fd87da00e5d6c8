"""What eleven agents send, without end: rehearsal's prompts, in the envelopes that agents' programs put around them.

With a folder of recorded data the envelopes are recorded bodies and sessions; without it they are shapes of our own.
"""

from collections.abc import Iterator, Sequence
from itertools import cycle
from pathlib import Path
from random import Random

from msgspec.structs import replace

from backends.rehearsal.traffic import Planned as Unwrapped
from backends.rehearsal.traffic import planned, read_scenario
from backends.self_test.callers import Posted
from backends.self_test.posted_traffic import CANARY, chat_body, post_headers, with_secret
from backends.settings.agents import AGENTS
from backends.types import Request
from benchmarks.evaluation.agents.asks import Wrap, envelopes, shaped
from benchmarks.evaluation.agents.bodies import OTHERS, SHAPES
from benchmarks.evaluation.agents.session_material import labelled, recorded, turns

BARE, IN_SESSION, STREAMED, LEAVES, SENSITIVE = 0.4, 0.2, 0.5, 0.04, 0.06
DEADLINE_S = 15.0


def agent_traffic(seed: int, data: Path | None = None) -> Iterator[Posted]:
    """The endless traffic of one seed; files are read before the first request."""
    wraps = [wrap for _, wrap in envelopes(data)] if data else [shaped(name, "first") for name in {**SHAPES, **OTHERS}]
    sessions = cycle([*in_sessions(data, seed)]) if data else None
    return _written(Random(seed), planned(seed, read_scenario()), wraps, sessions)


def _written(
    dice: Random, plans: Iterator[Unwrapped], wraps: Sequence[Wrap], sessions: Iterator[Request] | None
) -> Iterator[Posted]:
    for number, plan in enumerate(plans):
        request, kind = plan.request, dice.random()
        if sessions is not None and kind < IN_SESSION:
            request = replace(next(sessions), agent=dice.choice(AGENTS))
        elif kind > BARE:
            request = replace(dice.choice(wraps)(request.messages[-1].text), agent=request.agent)
        headers, sensitive = post_headers(number, request.agent, DEADLINE_S), dice.random() < SENSITIVE
        if sensitive:
            request, more = with_secret(request, f"{CANARY}{number}", dice)
            headers |= more
        body = chat_body(request, stream=dice.random() < STREAMED)
        yield Posted(number, body, headers, leaves=dice.random() < LEAVES, sensitive=sensitive)


def in_sessions(data: Path, seed: int) -> Iterator[Request]:
    """Turns of recorded sessions, each session from its beginning."""
    asks = labelled(data, seed)
    for session in recorded(data)[::4]:
        for turn in turns(session, asks, agent="coding"):
            yield turn.request
