"""The most of each thing that one request may have, far above what agents send in their longest sessions."""

from backends.errors import WrongUse
from backends.types import Request

MESSAGES = 20_000
PARTS = 20_000
"""Of all messages together: texts that stand apart, and files."""

TOOL_CALLS = 20_000
TOOLS = 128
STOP_WORDS = 16
STOP_CHARACTERS = 500


def check_bounds(request: Request) -> None:
    """Raises WrongUse, which names the bound, for a request that exceeds one."""
    messages, stop = request.messages, request.sampling.stop
    for name, count, most in (
        ("messages", len(messages), MESSAGES),
        ("parts of messages", sum(len(each.seams) + len(each.media) for each in messages), PARTS),
        ("tool calls", sum(len(each.tool_calls) for each in messages), TOOL_CALLS),
        ("tools", len(request.tools), TOOLS),
        ("stop words", len(stop), STOP_WORDS),
    ):
        if count > most:
            raise WrongUse(f"the request has {count:,} {name} and the most is {most:,}: send fewer")
    if (longest := max(map(len, stop), default=0)) > STOP_CHARACTERS:
        raise WrongUse(f"a stop word has {longest:,} characters and the most is {STOP_CHARACTERS}: shorten it")
