"""Canned answers in Markdown: what an assistant might write, chosen by the words and the hash of the prompt."""

import re
from collections.abc import Iterator

CODE_WORDS = re.compile(r"traceback|diff|refactor|function|python|bash|script that|regex|sql|unit test|```|bug", re.I)
LIST_WORDS = re.compile(r"\blist|steps|plan|ideas|compare|options|checklist|trends|outline|bullet|findings", re.I)
LABEL_WORDS = re.compile(r"classif|\blabel|one word|categor|yes or no|sentiment", re.I)
TABLE_WORDS = re.compile(r"\btable|versus|\bvs\b|benchmark|pros and cons", re.I)

OPENINGS = (
    "Here is what I see – in short.",
    "Short answer first → then the reasons.",
    "I read it twice – this is what stands out.",
    "The pattern is familiar – three things matter.",
    "In brief: it works – but one part deserves a second look.",
)
POINTS = (
    "**Disk** fills slowest where logs rotate daily; the `/var/log` share is ≈ 12 % of the total.",
    "**Latency** rises with queue depth, not with prompt length: look at the waiting calls first.",
    "**Cost** follows output tokens, so a cap on the answer saves more than a shorter question.",
    "**Audience** stays longer when the first ten seconds name the problem → then the promise.",
    "**Evidence** is thin for the second claim; two sources quote each other.",
    "**Risk** sits in the retry path: it repeats work that may already be billed.",
    "**Next step** is small: write the failing case down and keep it as a test.",
    "**Competitors** price by seat; usage pricing would set this apart.",
    "**Backups** ran, yet nobody restored one this quarter.",
    "**Style** is even, though the middle paragraph says the same thing twice.",
)
CLOSINGS = (
    "If only one thing can be done today, take the first.",
    "I would check again tomorrow with fresh numbers.",
    "Say if you want the longer version – sources included.",
    "Nothing here is urgent; all of it compounds.",
)
LABELS = ("billing", "bug", "feature request", "account access", "positive", "neutral", "negative", "spam")
SNIPPETS = (
    "```python\ndef retry(call, *, attempts=3):\n    for attempt in range(attempts):\n        try:\n"
    "            return call()\n        except TimeoutError:\n            if attempt + 1 == attempts:\n"
    "                raise\n```",
    "```bash\ndf -h --output=target,pcent | sort -k2 -r | head -5\njournalctl -u nginx --since -1h | tail -20\n```",
    "```sql\nSELECT agent, sum(cost_usd) AS usd\nFROM requests\nWHERE started_at >= date('now', '-7 days')\n"
    "GROUP BY agent\nORDER BY usd DESC;\n```",
)
ROWS = (
    "latency | 180 ms | 420 ms",
    "cost a day | 0.00 $ | 1.90 $",
    "quality | good | better",
    "privacy | stays here | leaves",
)


def canned_text(prompt: str, dice: Iterator[int]) -> str:
    """An answer of 3 to 250 words; prose holds characters of three bytes, as real answers do."""
    if LABEL_WORDS.search(prompt):
        return LABELS[next(dice) % len(LABELS)]
    blocks = [_one(OPENINGS, dice)]
    if TABLE_WORDS.search(prompt):
        blocks.append("| | local | cloud |\n|---|---|---|\n" + "\n".join(f"| {row} |" for row in ROWS))
    if LIST_WORDS.search(prompt):
        blocks.append("\n".join(f"{n}. {point}" for n, point in enumerate(_some(POINTS, dice, 4), 1)))
    else:
        blocks.extend(_some(POINTS, dice, 1 + next(dice) % 2))
    if CODE_WORDS.search(prompt):
        blocks.append(_one(SNIPPETS, dice))
    blocks.append(_one(CLOSINGS, dice))
    return "\n\n".join(blocks)


def _one(choices: tuple[str, ...], dice: Iterator[int]) -> str:
    return choices[next(dice) % len(choices)]


def _some(choices: tuple[str, ...], dice: Iterator[int], size: int) -> list[str]:
    start, step = next(dice) % len(choices), (1, 3, 7)[next(dice) % 3]
    return [choices[(start + step * n) % len(choices)] for n in range(size)]
