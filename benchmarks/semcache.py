"""How often a paraphrase is found, and a different question is served by mistake: guards beside plain cosine.

    python -m benchmarks.semcache --data ../shared/data/semcache [--json]

Pairs files hold `{"id", "a", "b", "same_answer", "kind", "source"}` a line. A hit is wrong where the answers differ.
"""

import argparse
import json
import math
import sys
from collections import Counter
from pathlib import Path
from typing import Any

from backends.cache.embedders import Embedder, load
from backends.cache.guards import stopped_by
from backends.cache.index import Vector

BATCH = 64


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.semcache", description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder of *-pairs.jsonl")
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args(argv)
    embedder = load()
    figures = [measure(path, embedder) for path in sorted(arguments.data.glob("*-pairs.jsonl"))]
    if arguments.json:
        print(json.dumps({"embedder": embedder.model, "floor": embedder.floor, "sets": figures}, indent=1))
    else:
        print(f"{embedder.model}, cosine ≥ {embedder.floor}")
        print_table(figures)
    return 0


def measure(path: Path, embedder: Embedder) -> dict[str, Any]:
    """Wrong hits and recall of one file, for plain cosine and with the guards."""
    rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    similarity = similarities(rows, embedder)
    near = [row for row, cosine in zip(rows, similarity, strict=True) if cosine >= embedder.floor]
    stopped = {row["id"]: stopped_by(row["a"], row["b"]) for row in near}
    hits = [row for row in near if stopped[row["id"]] is None]
    return {
        "set": path.stem.removesuffix("-pairs"),
        "different": sum(not row["same_answer"] for row in rows),
        "same": sum(row["same_answer"] for row in rows),
        "same_of_guarded_kinds": sum(row["same_answer"] and row["kind"] != "paraphrase" for row in rows),
        "cosine": counted(near),
        "guarded": counted(hits),
        "stopped_by": dict(Counter(stopped[row["id"]] for row in near if not row["same_answer"]).most_common()),
        "kept_from_right_hits_by": dict(
            Counter(stopped[row["id"]] for row in near if row["same_answer"]).most_common()
        ),
    }


def counted(hits: list[dict[str, Any]]) -> dict[str, int]:
    return {
        "wrong": sum(not row["same_answer"] for row in hits),
        "right": sum(row["same_answer"] for row in hits),
        "right_of_guarded_kinds": sum(row["same_answer"] and row["kind"] != "paraphrase" for row in hits),
    }


def similarities(rows: list[dict[str, Any]], embedder: Embedder) -> list[float]:
    texts = sorted({row[side] for row in rows for side in "ab"})
    vectors: dict[str, Vector] = {}
    for start in range(0, len(texts), BATCH):
        batch = texts[start : start + BATCH]
        vectors.update(zip(batch, (embedded.vector for embedded in embedder.embed(batch)), strict=True))
    return [float(vectors[row["a"]] @ vectors[row["b"]]) for row in rows]


def print_table(figures: list[dict[str, Any]]) -> None:
    print(f"{'set':<10} {'rule':<8} {'wrong hits':>24} {'recall':>24} {'guarded kinds':>14}")
    for row in figures:
        for rule in ("cosine", "guarded"):
            hits = row[rule]
            print(
                f"{row['set']:<10} {rule:<8} {share(hits['wrong'], row['different']):>24} "
                f"{share(hits['right'], row['same']):>24} "
                f"{hits['right_of_guarded_kinds']:>6} of {row['same_of_guarded_kinds']:<4}"
            )


def share(count: int, of: int) -> str:
    """ "3/66 .045 [.016 .125]", the interval Wilson's at 95 %."""
    if not of:
        return "–"
    p, z = count / of, 1.96
    centre = (p + z * z / (2 * of)) / (1 + z * z / of)
    half = z * math.sqrt(p * (1 - p) / of + z * z / (4 * of * of)) / (1 + z * z / of)
    low, high = max(0.0, centre - half), min(1.0, centre + half)
    return f"{count}/{of} {p:.3f} [{low:.3f} {high:.3f}]"


if __name__ == "__main__":
    sys.exit(main())
