"""The most tokens that a text can have, for reservations: no tokenizer of a priced engine exceeds it.

A byte of text is at most one token: every vocabulary here falls back to single bytes. What is known to take less is a
common English word after a blank, of which `whole_words.txt.gz` has 14,058: the tokenizers of Gemini, Gemma 3,
GPT-4, GPT-4o and Qwen 2.5 each take it for one token together with the blank, whatever stands before it and whichever
of the signs below behind it. All of them cut texts before a blank, so nothing beyond it changes that. The list was
made, and each word tried in each place, by `python -m benchmarks.training.whole_words`.

Real agents' bodies are reserved for at 1.5 to 2.4 times their true count, where a token a byte made it 4.2 times; of no
text, recorded or made up, it is less than the truth (`python -m benchmarks.evaluation.tokens`).
"""

import gzip
import re
from functools import cache
from importlib.resources import files

SEARCHED = 1 << 20
"""Bytes of one text in which words are searched; the rest counts by its bytes."""

STEP = 1 << 16
"""Bytes of one search, which holds Python's lock. A word across two searches counts by its bytes."""

BEHIND = rb" .,;:!?)\]}\"`\n/\-=(<>*|"
WORD = re.compile(rb"(?<=[!-~]) ([a-z]{2,14})(?=[" + BEHIND + rb"])")
"""No blank stands before its own: runs of blanks are cut elsewhere."""


def most_of(text: str) -> int:
    """Tokens that `text` has at the most."""
    data = text.encode("utf-8", "surrogatepass")
    whole = whole_words()
    searched = min(len(data), SEARCHED)
    spared = 0
    for start in range(0, searched, STEP):
        found = WORD.findall(data, start, min(start + STEP, searched))
        spared += sum(map(len, filter(whole.__contains__, found)))
    return len(data) - spared


@cache
def whole_words() -> frozenset[bytes]:
    """Read once; 5 ms and 1.5 MB."""
    packed = files(__package__).joinpath("whole_words.txt.gz").read_bytes()
    return frozenset(gzip.decompress(packed).split())
