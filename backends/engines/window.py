"""Does the prompt fit the local model's window, and did the engine read all of it?"""

from backends.engines.base import Call
from backends.errors import EngineError

CUT_SHARE = 0.6  # an engine that cuts keeps about half its window; our count of a whole prompt is nearer than this
CUT_TOKENS = 256  # below this many missing tokens, counts of different tokenisers say nothing


def refuse_overlong(call: Call, context: int) -> None:
    """Raise EngineError "context" where prompt and answer exceed a window of `context` tokens."""
    if call.input_tokens + call.max_output > context:
        raise EngineError(
            f"This model's maximum context length is {context} tokens. However, you requested about"
            f" {call.input_tokens + call.max_output} tokens ({call.input_tokens} in the messages, {call.max_output} in"
            " the completion). Please reduce either, or raise engines.local.context.",
            kind="context",
        )


def was_cut(call: Call, seen: int | None) -> bool:
    """Did the engine, by its own count, read far less than was sent? No count is no sign of it."""
    return seen is not None and seen < call.input_tokens * CUT_SHARE and call.input_tokens - seen > CUT_TOKENS
