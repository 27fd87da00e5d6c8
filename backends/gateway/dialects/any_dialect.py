"""A body whose dialect nobody says: its keys tell which API it was written for."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Literal

from backends.gateway.dialects.anthropic import messages_request
from backends.gateway.dialects.dialect_request import DialectRequest
from backends.gateway.dialects.gemini import generate_request
from backends.gateway.dialects.ollama import ollama_request
from backends.gateway.dialects.openai_chat import chat_request
from backends.gateway.dialects.openai_responses import responses_request

Dialect = Literal["openai_chat", "openai_responses", "anthropic", "ollama", "gemini"]

READERS: dict[Dialect, Callable[[dict[str, Any]], DialectRequest]] = {
    "openai_chat": chat_request.read_fields,
    "openai_responses": responses_request.read_fields,
    "anthropic": messages_request.read_fields,
    "ollama": ollama_request.read_fields,
    "gemini": generate_request.read_fields,
}

CHAT_KEYS = frozenset({"stream_options", "max_completion_tokens", "reasoning_effort", "response_format", "functions"})
OLLAMA_KEYS = frozenset({"options", "think", "truncate", "shift", "keep_alive", "format"})
ANTHROPIC_KEYS = frozenset(
    {"system", "stop_sequences", "output_config", "context_management", "mcp_servers", "anthropic_version"}
)
ANTHROPIC_BLOCKS = frozenset({"tool_use", "tool_result", "thinking", "redacted_thinking", "document", "image"})


def read_fields(fields: dict[str, Any]) -> DialectRequest:
    """Raises HttpError (400) as the reader of its dialect does."""
    return READERS[dialect_of(fields)](fields)


def dialect_of(fields: Mapping[str, Any]) -> Dialect:
    """Chat completions where nothing tells it apart: a plain message is the same there and in other dialects."""
    if "contents" in fields:
        return "gemini"
    if "messages" not in fields:
        if "input" in fields:
            return "openai_responses"
        return "ollama" if "prompt" in fields else "openai_chat"
    if fields.keys() & CHAT_KEYS:
        return "openai_chat"
    if fields.keys() & OLLAMA_KEYS:
        return "ollama"
    return "anthropic" if _is_anthropic(fields) else "openai_chat"


def _is_anthropic(fields: Mapping[str, Any]) -> bool:
    tools, messages = list(_objects(fields.get("tools"))), list(_objects(fields.get("messages")))
    if any("input_schema" in tool for tool in tools):
        return True
    roles = _texts(messages, "role")
    if not roles.isdisjoint(("tool", "developer")) or any("function" in tool for tool in tools):
        return False
    if any("tool_calls" in message for message in messages):
        return False
    if fields.keys() & ANTHROPIC_KEYS:
        return True
    blocks = (block for message in messages for block in _objects(message.get("content")))
    # Anthropic takes a system's message as well, but only beside keys of its own.
    return "system" not in roles and (
        {"thinking", "max_tokens"} <= fields.keys() or not _texts(blocks, "type").isdisjoint(ANTHROPIC_BLOCKS)
    )


def _texts(objects: Iterable[Mapping[str, Any]], name: str) -> set[str]:
    return {value for each in objects if isinstance(value := each.get(name), str)}


def _objects(value: Any) -> Iterator[dict[str, Any]]:
    return (each for each in value if isinstance(each, dict)) if isinstance(value, list) else iter(())
