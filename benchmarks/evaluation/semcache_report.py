"""The figures of `semcache report`: decisions and replays of the evaluation data, compared with its labels."""

import asyncio
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from backends.cache.semantic.embedders import load
from backends.intervals import wilson
from backends.routing.evaluate.router_metrics import auc
from benchmarks.evaluation.semcache_run import decide, read, replay


def report(data: Path, *, embedder: str = "auto") -> dict[str, Any]:
    """Of every file in `data`; minutes."""
    loaded = load(embedder)
    pairs = {}
    for path in sorted(data.glob("*-pairs.jsonl*")):
        rows = list(read(path))
        pairs[path.name.split("-pairs")[0]] = of_pairs(rows, list(decide(rows, loaded)))
    streams = {}
    for path in sorted(data.glob("*-stream.jsonl*")):
        rows = list(read(path))
        streams[path.name.split("-stream")[0]] = of_stream(rows, asyncio.run(replay(rows, embedder=embedder)))
    return {"embedder": loaded.model, "floor": loaded.floor, "pairs": pairs, "streams": streams}


def of_pairs(rows: Sequence[dict[str, Any]], decisions: Sequence[dict[str, Any]]) -> dict[str, Any]:
    pairs = list(zip(rows, decisions, strict=True))
    guarded = [(row, said) for row, said in pairs if row["same_answer"] and row["kind"] != "paraphrase"]
    scores = {label: [said["score"] for row, said in pairs if row["same_answer"] == label] for label in (True, False)}
    return {
        "wrong": [sum(said["hit"] for row, said in pairs if not row["same_answer"]), len(scores[False])],
        "right": [sum(said["hit"] for row, said in pairs if row["same_answer"]), len(scores[True])],
        "guarded_kinds": [sum(said["hit"] for _, said in guarded), len(guarded)],
        "area": area(scores[True], scores[False]),
        "stopped_by": dict(Counter(str(said["stopped_by"]) for row, said in pairs if not row["same_answer"])),
        "kept_from_right_hits_by": dict(Counter(str(said["stopped_by"]) for row, said in pairs if row["same_answer"])),
    }


def of_stream(rows: Sequence[dict[str, Any]], said: Sequence[dict[str, Any]]) -> dict[str, Any]:
    groups = {row["id"]: row["group"] for row in rows}
    hits = [each for each in said if each["hit"]]
    seen: set[str] = set()
    possible = 0
    for row in rows:
        possible += row["group"] in seen
        seen.add(row["group"])
    wrong = sum(groups[each["id"]] != groups[each["source_id"]] for each in hits)
    return {"rows": len(rows), "possible": possible, "hits": len(hits), "wrong": wrong}


def area(same: Sequence[float], different: Sequence[float]) -> float | None:
    """Under the ROC curve; None where one of the two is missing."""
    if not same or not different:
        return None
    return round(auc([True] * len(same) + [False] * len(different), [*same, *different]), 3)


def print_report(figures: dict[str, Any]) -> None:
    print(f"{figures['embedder']}, judged from cosine {figures['floor']} on")
    print(f"{'pairs':<10} {'wrong hits':>26} {'recall':>26} {'guarded kinds':>14} {'area':>5}")
    for name, of in figures["pairs"].items():
        kinds = f"{of['guarded_kinds'][0]} of {of['guarded_kinds'][1]}"
        print(f"{name:<10} {share(*of['wrong']):>26} {share(*of['right']):>26} {kinds:>14} {of['area'] or '–':>5}")
    print(f"{'stream':<10} {'hits':>26} {'right of possible':>26} {'wrong of hits':>26}")
    for name, of in figures["streams"].items():
        right = of["hits"] - of["wrong"]
        print(
            f"{name:<10} {share(of['hits'], of['rows']):>26} {share(right, of['possible']):>26} "
            f"{share(of['wrong'], of['hits']):>26}"
        )


def share(count: int, of: int) -> str:
    """ "3/66 .045 [.016 .125]", the interval Wilson's at 95 %."""
    found = wilson(count, of)
    return "–" if found is None else f"{count}/{of} {found[0]:.3f} [{found[1]:.3f} {found[2]:.3f}]"
