"""The replay of recorded answers: it finds nothing in sound ones, and says what is wrong in others."""

import gzip
import json
from pathlib import Path
from typing import Any

from backends.types import Tokens
from benchmarks.evaluation.wire import Faults, Row, Said, evaluate, rows

USAGE = {"promptTokenCount": 9, "candidatesTokenCount": 2, "thoughtsTokenCount": 3, "totalTokenCount": 14}


def event(*parts: dict[str, Any], finish: str | None = "STOP") -> dict[str, Any]:
    candidate: dict[str, Any] = {"content": {"role": "model", "parts": list(parts)}}
    if finish:
        candidate["finishReason"] = finish
    return {"candidates": [candidate], "usageMetadata": USAGE, "modelVersion": "gemini-3-flash-preview"}


CALL = {"functionCall": {"id": "g1", "name": "f", "args": {"x": 1.5}}, "thoughtSignature": "a+/bcQ=="}
STREAM = (event({"text": "Hé"}, finish=None), event({"text": "", "thoughtSignature": "c2ln"}))
OLLAMA = {
    "model": "qwen2.5:14b",
    "created_at": "2026-11-30T10:00:00Z",
    "message": {"role": "assistant", "content": "Hi"},
    "done": True,
    "done_reason": "stop",
    "prompt_eval_count": 4,
    "eval_count": 1,
}
ROWS = [
    Row("one", "here", "gem-one", 200, json.dumps(event(CALL), indent=1)),
    Row("stream", "here", "gem-stream", 200, "".join(f"data: {json.dumps(each)}\r\n\r\n" for each in STREAM)),
    Row("refused", "here", "gem-one", 404, '{"error": {"code": 404, "message": "no such model"}}'),
    Row("local", "here", "ollama-chat", 200, json.dumps(OLLAMA) + "\n"),
]


async def test_sound_answers_are_read_as_they_are() -> None:
    figures, found = await evaluate(ROWS)
    assert found == []
    assert figures["answers"] == 4
    assert figures["second turn, client drops fields"] == "100.0 % of 1 signatures"


def test_each_kind_of_fault_is_told_apart() -> None:
    raw = Said(text="a", calls=[("f", {}, "g1")], tokens=Tokens(input=1), signatures=["c2ln"])
    found = Faults()
    for heard in (
        Said(text="b", calls=raw.calls, tokens=raw.tokens, signatures=raw.signatures),
        Said(text="a", calls=[("f", {}, "other")], tokens=raw.tokens, signatures=raw.signatures),
        Said(text="a", calls=raw.calls, tokens=Tokens(input=2), signatures=raw.signatures),
        Said(text="a", calls=raw.calls, tokens=raw.tokens, signatures=[]),
        raw,
    ):
        found.hold(ROWS[0], raw, heard)
    assert [len(each) for each in (found.text, found.calls, found.counts, found.signatures)] == [1, 1, 1, 1]


def test_rows_come_from_a_folder_or_a_file(tmp_path: Path) -> None:
    line = {"id": "x", "source": "s", "kind": "gem-one", "status": 200, "body": "{}"}
    path = tmp_path / "answers.jsonl.gz"
    path.write_bytes(gzip.compress(json.dumps(line).encode() + b"\n"))
    assert rows(tmp_path) == rows(path) == [Row("x", "s", "gem-one", 200, "{}")]
