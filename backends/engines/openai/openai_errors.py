"""What the error answers of OpenAI-compatible servers mean."""

from typing import Any

import msgspec

from backends.engines.untrusted_text import one_line
from backends.errors import EngineError


def openai_error(status: int, body: bytes, model: str) -> EngineError:
    """The error for an answer with this HTTP status. vLLM and llama-server agree on the status, not on the words."""
    text = error_message(_decoded(body))
    match status:
        case 503 | 429:
            return EngineError(f"the local engine is full or loading ({text}): wait", kind="busy", status=status)
        case 404:
            return EngineError(
                f"the local engine has no model {one_line(model)} ({text}): set engines.local.model to one it serves",
                kind="model",
                status=status,
            )
        case 400 if "context" in text.lower():
            return EngineError(
                f"the prompt does not fit the local model ({text}): shorten it", kind="context", status=status
            )
        case _ if status >= 500:
            return EngineError(
                f"the local engine failed ({status}: {text}): look at its log", kind="unavailable", status=status
            )
        case _:
            return EngineError(
                f"the local engine refused the request ({status}: {text}): change it", kind="rejected", status=status
            )


def error_message(error: Any) -> str:
    """The message of an error object, on one line."""
    inner = error.get("error", error) if isinstance(error, dict) else error
    return one_line(
        inner.get("message") or inner.get("type") or "no reason given" if isinstance(inner, dict) else inner
    )


def _decoded(body: bytes) -> Any:
    try:
        return msgspec.json.decode(body)
    except (msgspec.DecodeError, RecursionError):
        return body.decode(errors="replace")
