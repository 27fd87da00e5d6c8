"""A body of any dialect and its headers, as one canonical request."""

from backends.gateway.dialects.dialect_request import DialectRequest
from backends.gateway.model_names import Target
from backends.gateway.request_headers import (
    HeaderText,
    cache_control,
    deadline_s,
    is_sensitive,
    run_of,
    session_of,
    user_agent,
)
from backends.types import Request


def canonical(asked: DialectRequest, target: Target, header: HeaderText, *, id: str) -> Request:
    """`target` is what the model's name means. Raises HttpError (400) for a header whose value is wrong."""
    cache = cache_control(header(b"cache-control") or "")
    return Request(
        id=id,
        agent=target.agent,
        rules=target.rules,
        messages=asked.messages,
        engine=target.engine,
        model=target.model,
        sensitive=is_sensitive(header),
        cache=cache.cache,
        refresh=cache.refresh,
        tools=asked.tools,
        tool_choice=asked.tool_choice,
        parallel_tool_calls=asked.parallel_tool_calls,
        response_format=asked.response_format,
        sampling=asked.sampling,
        timeout_s=deadline_s(header, asked.deadline_ms),
        source="gateway",
        tag=header(b"x-claw-tag") or None,
        ignored=asked.ignored,
        notes=(*asked.notes, *target.notes),
        session=session_of(header, asked.session),
        run=run_of(header),
        user_agent=user_agent(header),
    )
