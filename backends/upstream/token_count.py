"""How many tokens a prompt has, without a tokenizer: near the truth.

The rule is linear in counts of bytes, so that 8 MiB cost tens of milliseconds: words, letters, digits, punctuation,
line ends and characters beyond ASCII each have a weight. The weights are a least-squares fit to Qwen 2.5's and Gemini's
own tokenizers, by relative error, on the bodies of real agents, the sessions of coding agents, bare prompts and this
code; those of characters beyond ASCII, of which that text has few, are by hand. On the agents' whole bodies the
estimate is .93 to 1.06 of either (`python -m benchmarks.evaluation.tokens`); of single messages nine in ten lie between
.8 and 1.2. What an engine reports corrects the rest: see `token_ratio`.
"""

from collections.abc import Iterator, Sequence
from math import ceil

import msgspec
from msgspec.structs import replace

from backends.engines.base import Call
from backends.text_memory import TextMemory
from backends.types import Message, Request, Tool
from backends.upstream.media_tokens import expected_of, most_of_file
from backends.upstream.most_tokens import most_of
from backends.upstream.prefix_cache import Prefix

PER_MESSAGE = 5
"""Role and separators of a chat template."""

PER_RESULT = 16
"""The object that a provider puts around a tool's result."""

REMEMBERED = 1 << 16
"""Texts: those of some hundred conversations; 16 MiB at the most."""

WORD, SMALL, CAPITAL, DIGIT, SIGN, LINE, BLANK = 0.13, 0.225, 0.315, 1.46, 0.38, 0.9, 0.3
"""Tokens a piece. Digits stand alone, and often with a piece of what is beside them; blanks beyond those between words
and lines come in runs, of which a token holds up to sixteen and more.
"""

ACCENT, LETTER, IDEOGRAPH, EMOJI = 0.9, 0.4, 0.8, 1.6
"""Tokens a character: Latin with accents; Cyrillic, Arabic and other letters of two bytes; Chinese, Japanese, Thai and
typesetting's signs, of three; emoji, of four.
"""

SMALLS, CAPITALS, DIGITS = bytes(range(97, 123)), bytes(range(65, 91)), bytes(range(48, 58))
BLANKS = b" \t\r\n\x0b\x0c"
LEADING = (
    (bytes(range(0xC0, 0xCA)), ACCENT),
    (bytes(range(0xCA, 0xE0)), LETTER),
    (bytes(range(0xE0, 0xF0)), IDEOGRAPH),
    (bytes(range(0xF0, 256)), EMOJI),
)
OTHER = bytes(range(128, 256))


def count(prompt: Request | Sequence[Message]) -> int:
    """Estimated prompt tokens, with tools, schema, images and the chat template's own; never negative."""
    if isinstance(prompt, Request):
        return sum(map(count_message, prompt.messages)) + sum(map(count_text, _declared(prompt)))
    return sum(map(count_message, prompt))


def most(prompt: Request | Call) -> int:
    """Tokens that no prompt exceeds. For reservations, which must hold."""
    declared = PER_MESSAGE * len(prompt.tools) + sum(map(most_of, _declared(prompt)))
    files = sum(most_of_file(each) for message in prompt.messages for each in message.media)
    return sum(map(most_of, _said(prompt.messages))) + PER_MESSAGE * len(prompt.messages) + files + declared


class TokenCounter:
    """Both counts of requests, whose texts come again on every turn: each is counted once, and only Python's hash of it
    is remembered. A turn of 59 kB takes 0.1 ms instead of 1.5. Threads may share it.
    """

    def __init__(self) -> None:
        self._counted = TextMemory[tuple[int, int]](entries=REMEMBERED)

    def count(self, request: Request) -> tuple[int, int]:
        """The estimate of its tokens, as `count`, and what they cannot exceed, as `most`."""
        declared = list(map(self._both, _declared(request)))
        said = [self._both(message.text) for message in request.messages]
        framed = PER_MESSAGE * len(request.messages)
        files = [each for message in request.messages for each in message.media]
        estimate = framed + sum(map(expected_of, files)) + sum(count for count, _ in declared + said)
        highest = framed + sum(map(most_of_file, files)) + PER_MESSAGE * len(request.tools)
        highest += sum(most for _, most in declared + said)
        for call in (call for message in request.messages for call in message.tool_calls):
            estimate += PER_MESSAGE + self._both(call.name)[0] + self._both(call.arguments)[0]
            highest += self._both(f"{call.name}{call.arguments}")[1]
        return estimate, highest

    def _both(self, text: str) -> tuple[int, int]:
        key = (hash(text), len(text))
        known = self._counted.get(key)
        if known is None:
            known = count_text(text), most_of(text)
            self._counted.put(key, known, items=0)
        return known


def most_after(call: Call, counted: Prefix) -> int:
    """The same of a call whose first messages an engine has counted: that count, and the most of what is new.

    A model's chat template sets messages apart, so what follows a prompt does not change how it is counted. Of a
    signature of earlier thinking a byte is a token at the most, and a tool's result stands in an object of its own.
    """
    whole = most_read(call)
    if any(message.media for message in call.messages[: counted.messages]):
        return whole  # equal beginnings are known to have as many files, not the same
    rest = call.messages[counted.messages :]
    signed = sum(len(signature) for message in rest for signature in _signatures(message))
    results = sum(PER_RESULT + len(message.name or "") for message in rest if message.role == "tool")
    return min(whole, counted.tokens + most(replace(call, messages=rest, tools=())) + signed + results)


def _signatures(message: Message) -> Iterator[str]:
    for signature in (message.signature, *(call.signature for call in message.tool_calls)):
        if signature is not None:
            yield signature


def most_read(call: Call) -> int:
    """The same of a call, counted anew only where that was not done yet."""
    return call.most_tokens or most(call)


def count_text(text: str) -> int:
    """Estimated tokens of one text, 0 for an empty one."""
    data = text.encode("utf-8", "surrogatepass")
    size = len(data)
    small, capital, digits, blanks = (_of(kind, data) for kind in (SMALLS, CAPITALS, DIGITS, BLANKS))
    beyond, other = (0.0, 0) if data.isascii() else (_beyond_ascii(data), _of(OTHER, data))
    signs = size - small - capital - digits - blanks - other
    words = min(data.count(b" ") + 1, small + capital)
    lines = data.count(b"\n") + data.count(b"\r")
    filling = max(0, blanks - words - lines)
    estimate = WORD * words + SMALL * small + CAPITAL * capital + DIGIT * digits + SIGN * signs
    return ceil(min(estimate + LINE * lines + BLANK * filling + beyond, size))


def _of(kind: bytes, data: bytes) -> int:
    return len(data) - len(data.translate(None, kind))


def _beyond_ascii(data: bytes) -> float:
    return sum(weight * _of(kind, data) for kind, weight in LEADING)


def count_message(message: Message) -> int:
    """Estimated tokens of one message, with its calls, its files and what a chat template adds."""
    calls = sum(PER_MESSAGE + count_text(call.name) + count_text(call.arguments) for call in message.tool_calls)
    return PER_MESSAGE + sum(map(expected_of, message.media)) + count_text(message.text) + calls


def count_tool(tool: Tool) -> int:
    """Estimated tokens of a tool's declaration."""
    return sum(map(count_text, _declaration(tool)))


def _said(messages: Sequence[Message]) -> Iterator[str]:
    for message in messages:
        yield message.text
        for call in message.tool_calls:
            yield f"{call.name}{call.arguments}"


def _declared(request: Request | Call) -> Iterator[str]:
    for tool in request.tools:
        yield from _declaration(tool)
    if request.response_format.schema is not None:
        yield msgspec.json.encode(request.response_format.schema).decode()


def _declaration(tool: Tool) -> Iterator[str]:
    yield f"{tool.name} {tool.description}"
    yield tool.schema_json
