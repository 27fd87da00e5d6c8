"""The context window of a local model: does the prompt fit, and did the engine read all of it?"""

from backends.engines.base import Call
from backends.engines.endpoint import Endpoint
from backends.errors import EngineError

CUT_SHARE = 0.6  # an engine that truncates keeps about half its window; our own count is closer than this
CUT_TOKENS = 256  # a smaller difference may come from the tokeniser


def refuse_overlong(call: Call, context: int, endpoint: Endpoint) -> None:
    """Raise EngineError "context" where prompt and answer exceed a window of `context` tokens."""
    if call.input_tokens + call.max_output > context:
        raise EngineError(
            f"This model's maximum context length is {context} tokens. However, you requested about"
            f" {call.input_tokens + call.max_output} tokens ({call.input_tokens} in the messages, {call.max_output} in"
            f" the completion). Please reduce either, or raise {endpoint.setting('context')}.",
            kind="context",
        )


def was_cut(call: Call, seen: int | None) -> bool:
    """Did the engine, by its own count `seen`, read far less than was sent? False where it gave no count."""
    return seen is not None and seen < call.input_tokens * CUT_SHARE and call.input_tokens - seen > CUT_TOKENS
