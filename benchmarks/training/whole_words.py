"""Make `backends/upstream/whole_words.txt.gz`: words that are one token after a space, in each tokenizer.

    python -m benchmarks.training.whole_words --tokenizer gemini=…/tokenizer.json \\
        --tokenizer gpt-4o=…/o200k_base.tiktoken …

Each word of the cache's vocabulary is tried after a letter and a space, and then in every position that
`most_tokens.WORD` allows. A word that ever needs more than one token is an error.
"""

import argparse
import gzip
import re
from importlib.resources import files
from pathlib import Path

from backends.upstream import most_tokens
from benchmarks.training.tokenizers import Counts, tokenizers

LIST = Path(most_tokens.__file__).with_name("whole_words.txt.gz")
BEHIND = [chr(byte) for byte in range(128) if most_tokens.WORD.search(b"x ab%c" % byte)]
BEFORE = "x.,"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--tokenizer", action="append", required=True, metavar="NAME=FILE")
    parser.add_argument("--write", action="store_true", help="replace the list; without it only the sums are shown")
    args = parser.parse_args()
    counts = tokenizers(args.tokenizer)
    packed = files("backends.cache").joinpath("vocabulary.txt.gz").read_bytes()
    known = gzip.decompress(packed).decode().split()
    words = [word for word in dict.fromkeys(known) if re.fullmatch("[a-z]{2,14}", word)]
    whole = sorted(word for word in words if all(count(f"x {word}") - count("x") == 1 for count in counts.values()))
    wrong = [f"{word!r} by {name}" for word in whole for name, count in counts.items() if not _holds(word, count)]
    print(f"{len(words)} words, {len(whole)} of one token, {len(wrong)} of more in some place")
    if wrong:
        raise SystemExit(f"not written: {', '.join(wrong[:9])}")
    if args.write:
        LIST.write_bytes(gzip.compress("\n".join(whole).encode(), mtime=0))


def _holds(word: str, count: Counts) -> bool:
    """The word and its blank are one token wherever it may stand; every other byte may be one of its own."""
    return all(count(f"{before} {word}{behind}x") <= len(before) + 1 + 2 for before in BEFORE for behind in BEHIND)


if __name__ == "__main__":
    main()
