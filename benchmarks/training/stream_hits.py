"""What the semantic tier would serve in a stream, computed from the scores of its neighbours."""

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from backends.cache.self_contained import asks_for_now
from backends.cache.semantic.retriever import NEAREST


class Scored(NamedTuple):
    cosine: float
    score: float


def play(asked: Iterable[dict[str, Any]], scored: Mapping[tuple[str, str], Scored], threshold: float) -> dict[str, Any]:
    """What the tier would serve of a stream by the scores of its neighbours: of those stored, the likeliest of the four
    nearest. Counts of rows, of hits, of wrong ones, and of rows that had an answer stored or to be hit.
    """
    near: dict[str, list[tuple[Scored, str]]] = {}
    for (a, b), found in scored.items():
        near.setdefault(a, []).append((found, b))
        near.setdefault(b, []).append((found, a))
    stored: dict[str, str] = {}
    seen: set[str] = set()
    counts = Counter(rows=0, hits=0, wrong=0, possible=0)
    for row in asked:
        text, group = row["text"], row["group"]
        counts["rows"] += 1
        counts["possible"] += group in seen
        seen.add(group)
        if asks_for_now(text):
            continue
        nearest = sorted(((found, other) for found, other in near.get(text, ()) if other in stored), reverse=True)
        likely = max(((found.score, other) for found, other in nearest[:NEAREST]), default=(0.0, ""))
        source = text if text in stored else likely[1] if likely[0] >= threshold else None
        if source is None:
            stored[text] = group
        else:
            counts["hits"] += 1
            counts["wrong"] += stored[source] != group
    return dict(counts)
