"""The first stage: a request within the operator's limits, or a clear refusal."""

from collections.abc import Callable

import msgspec
from msgspec.structs import replace

from backends.agent_names import is_name, meant, spelled
from backends.cache.lifetime import is_sampled
from backends.errors import TooLarge, WrongUse
from backends.pipeline.bounds import check_bounds
from backends.pipeline.turns import paired
from backends.settings.model import Settings
from backends.types import Request

UTF8_BYTES = 4
"""Of one character, at the most."""


def normalise(request: Request, settings: Settings) -> Request:
    """Return `request` with its deadlines, and within its agent's limits. Raises WrongUse for an empty prompt or agent
    name, TooLarge above the size limit.
    """
    request = _named(request, settings)
    if request.tag is not None and not is_name(request.tag):
        raise WrongUse("a tag has 1 to 64 letters, digits, dots, dashes or underscores: use such a word")
    check_bounds(request)
    asked = [message for message in request.messages if message.role in ("user", "tool")]
    # Instructions alone are a prompt, too.
    prompt = asked or [message for message in request.messages if message.role == "system"]
    if not any(message.text.strip() or message.media for message in prompt):
        said = "the prompt is empty" if prompt else "no message is a user's"
        raise WrongUse(f"{said}: write what you want to know")
    limit = settings.router.max_prompt_bytes
    if _size(request, _most_bytes) > limit and (size := _size(request, _bytes)) > limit:
        raise TooLarge(
            f"the prompt has {size / 1e6:.1f} MB and the limit is {limit / 1e6:.1f} MB:"
            " shorten it or raise router.max_prompt_bytes"
        )
    if request.sampling.max_tokens is not None and request.sampling.max_tokens < 1:
        raise WrongUse("max_tokens must be 1 or more: a call is reserved for by it")
    agent = settings.rules(request.agent, request.rules)
    deadline = request.deadline_s or agent.deadline_s or settings.router.deadline_s
    timeouts = [limit for limit in (request.timeout_s, agent.max_latency_s) if limit is not None]
    if min([deadline, *timeouts]) <= 0:
        raise WrongUse("a deadline must be more than 0 seconds")
    messages, notes = paired(request.messages)
    sampling = request.sampling
    if agent.max_output is not None:
        if (sampling.max_tokens or 0) > agent.max_output:
            notes = (*notes, f"max_tokens {sampling.max_tokens} cut to {agent.max_output}")
        sampling = replace(sampling, max_tokens=min(sampling.max_tokens or agent.max_output, agent.max_output))
    if agent.thinking_budget is not None:
        own = sampling.thinking_budget
        budget = agent.thinking_budget if own is None else min(own, agent.thinking_budget)
        sampling = replace(sampling, thinking_budget=budget)
    return replace(
        request,
        messages=messages,
        notes=(*request.notes, *notes),
        deadline_s=deadline,
        timeout_s=min(timeouts, default=None),
        sensitive=request.sensitive or agent.sensitive,
        sampling=sampling,
        cache=request.cache and (settings.cache.sampled or not is_sampled(request)),
    )


def _named(request: Request, settings: Settings) -> Request:
    """The request under its agents' names as they are configured.

    Raises WrongUse for what is no name, for a misspelt name of an agent whose prompts stay local, and for an agent that
    is not configured, where the settings refuse those.
    """
    notes: list[str] = []
    names: list[str] = []
    for name in (request.agent, *request.rules):
        if not is_name(name):
            raise WrongUse("an agent's name has 1 to 64 letters, digits, dots, dashes or underscores: use such a name")
        known = spelled(name, settings.agents)
        if known is None and name != "default":
            near = meant(name, settings.agents)
            guarded = near is not None and settings.guards(near)
            if guarded or (request.source == "gateway" and settings.refuses_unknown_agents()):
                hint = f"did you mean {near}?" if near else "its name is added to claw.toml under agents"
                raise WrongUse(f"no agent {name} is configured: {hint}")
            if near is not None:
                notes.append(f"no agent {name} is configured: did you mean {near}?")
        names.append(known or name)
    agent, *rules = dict.fromkeys(names)
    return replace(request, agent=agent, rules=tuple(rules), notes=tuple(dict.fromkeys((*request.notes, *notes))))


def _size(request: Request, of_text: Callable[[str], int]) -> int:
    """Bytes of the messages, the tools and the answer's schema."""
    schema = request.response_format.schema
    messages = sum(
        of_text(message.text)
        + sum(len(media.data) for media in message.media)
        + sum(len(call.arguments) for call in message.tool_calls)
        for message in request.messages
    )
    tools = sum(len(tool.name) + len(tool.description) + of_text(tool.schema_json) for tool in request.tools)
    return messages + tools + (len(msgspec.json.encode(schema)) if schema is not None else 0)


def _bytes(text: str) -> int:
    return len(text.encode("utf-8", "surrogatepass"))


def _most_bytes(text: str) -> int:
    """What that cannot exceed, without a copy of the text."""
    return UTF8_BYTES * len(text)
