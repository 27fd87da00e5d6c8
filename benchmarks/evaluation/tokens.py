"""How close are claw's counts of prompt tokens to real tokenizers, on real agents' requests?

    python -m benchmarks.evaluation.tokens --data ../shared/data --tokenizer qwen=…/tokenizer.json …

`--data` contains `agent-bodies/*.json` (requests of OpenAI's chat completions; others are skipped) and
`agent-sessions/sessions.jsonl.gz`. A request is rendered with Qwen's chat template, its tools as JSON. The table shows,
relative to the true count: the estimate for the first call; the estimate after five calls that an engine has counted,
each with further turns of a session added; and the most that a reservation assumes. The last is also checked on each
text of the sessions and on invented texts (unusual scripts, emoji, base64, digits, noise, words in every position).
Exit code 1 if an estimate after five calls is not within .90 to 1.10, or a reservation was ever too small.
"""

import argparse
import base64
import gzip
import json
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from msgspec.structs import replace

from backends.gateway.dialects.openai_chat.chat_request import read
from backends.gateway.http_errors import HttpError
from backends.types import Message, Request
from backends.upstream import token_count as tokens
from backends.upstream.most_tokens import most_of, whole_words
from backends.upstream.token_ratio import TokenRatios
from benchmarks.training.tokenizers import Counts, tokenizers

CALLS = 5
MADE_UP = 20_000
ODD = ("😀", "漢", "é", "ก", "\u200b", "ﬁ", "½", "0", "7", "zq", "xj", "A", "İ", "\u00a0", "\u2028", "ё")
SIGNS = " .,;:!?)]}\"`\n/-=(<>*|'_#@&%+~^$\\{[\t\r"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--tokenizer", action="append", required=True, metavar="NAME=FILE")
    args = parser.parse_args()
    counts = tokenizers(args.tokenizer)
    sessions = _sessions(args.data / "agent-sessions" / "sessions.jsonl.gz")
    bodies = dict(_bodies(args.data / "agent-bodies"))
    print("| body | tokenizer | true tokens | estimate, first call | after five calls | reserved for at the most |")
    print("| --- | --- | --- | --- | --- | --- |")
    near = True
    for name, request in bodies.items():
        for tokenizer, count in counts.items():
            row = _row(name, request, sessions, count)
            near = near and 0.9 <= row["after"] <= 1.1
            figures = f"{row['true']:,} | {row['first']:.2f} × | {row['after']:.2f} × | {row['most']:.2f} ×"
            print(f"| {name} | {tokenizer} | {figures} |")
    texts = [message.text for session in sessions for message in session]
    short = [text for text in (*texts, *_made_up()) if any(count(text) > most_of(text) for count in counts.values())]
    print(
        f"\n{len(texts)} recorded and {MADE_UP} made-up texts: {len(short)} have more tokens than would be reserved for"
    )
    if short or not near:
        raise SystemExit(1)


def _row(name: str, request: Request, sessions: list[tuple[Message, ...]], count: Counts) -> dict[str, Any]:
    ratios, after = TokenRatios(), 0.0
    for call in range(CALLS + 1):
        asked = replace(request, messages=(*request.messages, *sessions[call % len(sessions)][: 2 * call]))
        true, estimated = count(written_out(asked)), tokens.count(asked)
        after = ratios.corrected(name, "model", estimated) / true
        ratios.learn(name, "model", estimated=estimated, reported=true)
    true = count(written_out(request))
    return {
        "true": true,
        "first": tokens.count(request) / true,
        "after": after,
        "most": tokens.most(request) / true,
    }


def written_out(request: Request) -> str:
    """As Qwen 2.5's chat template writes a conversation. Source: its tokenizer_config.json"""
    messages = list(request.messages)
    system = "You are Qwen, created by Alibaba Cloud. You are a helpful assistant."
    if messages and messages[0].role == "system":
        system = messages.pop(0).text
    if request.tools:
        declared = (
            {"name": tool.name, "description": tool.description, "parameters": tool.parameters}
            for tool in request.tools
        )
        lines = "\n".join(json.dumps({"type": "function", "function": each}) for each in declared)
        system += (
            "\n\n# Tools\n\nYou may call one or more functions to assist with the user query.\n\nYou are provided with"
            f" function signatures within <tools></tools> XML tags:\n<tools>\n{lines}\n</tools>\n\nFor each function"
            " call, return a json object with function name and arguments within <tool_call></tool_call> XML tags:\n"
            '<tool_call>\n{"name": <function-name>, "arguments": <args-json-object>}\n</tool_call>'
        )
    out = [f"<|im_start|>system\n{system}<|im_end|>\n"]
    for message in messages:
        text = message.text
        for call in message.tool_calls:
            text += f'\n<tool_call>\n{{"name": "{call.name}", "arguments": {call.arguments}}}\n</tool_call>'
        if message.role == "tool":
            text = f"<tool_response>\n{text}\n</tool_response>"
        out.append(f"<|im_start|>{'user' if message.role == 'tool' else message.role}\n{text}<|im_end|>\n")
    return "".join((*out, "<|im_start|>assistant\n"))


def _bodies(folder: Path) -> Iterator[tuple[str, Request]]:
    for path in sorted(folder.glob("*.json")):
        body = json.loads(path.read_text("utf-8"))["body"]
        if isinstance(body.get("messages"), list):
            try:
                wish = read(json.dumps(body).encode())
            except HttpError:
                continue  # of another dialect
            yield path.stem, Request(id=path.stem, messages=wish.messages, tools=wish.tools)


def _sessions(path: Path) -> list[tuple[Message, ...]]:
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        rows = [json.loads(line)["messages"] for line in lines]
    return [tuple(Message(role="user", text=message["text"]) for message in row) for row in rows]


def _made_up() -> Iterator[str]:
    chance = random.Random(5)
    words = sorted(word.decode() for word in whole_words())
    kinds = (
        lambda: f" {chance.choice(words)}",
        lambda: chance.choice(SIGNS),
        lambda: chance.choice(ODD),
        lambda: chance.choice(words),
        lambda: "  ",
        lambda: base64.b64encode(chance.randbytes(9)).decode(),
        lambda: str(chance.randrange(10**9)),
        lambda: chr(chance.choice((chance.randrange(32, 0xD800), chance.randrange(0xE000, 0x1FFFF)))),
    )
    for _ in range(MADE_UP):
        yield "".join(chance.choice(kinds)() for _ in range(chance.randrange(1, 40)))


if __name__ == "__main__":
    main()
