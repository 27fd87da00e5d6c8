"""How able a model is: its published score on MMLU-Pro in percent, 0 to 100.

Sources disagree by 5 points, for the smallest models by 10, since prompts and the reading of answers differ. Preferred
is the maker's figure without thinking; models that think unless told otherwise, or of which no other figure is
published, have the one with thinking. Keys are names as `_normal` writes them: `qwen2.5:14b-instruct-q4_K_M` and
`Qwen/Qwen2.5-14B-Instruct` are both "qwen-2.5-14b".
"""

import re
from functools import lru_cache
from math import exp, log

from backends.catalogue.model_identity import usable

_PUBLISHED: dict[str, dict[str, float]] = {
    "arxiv.org/abs/2412.15115, tables 6 to 10": {
        "qwen-2.5-72b": 71.1, "qwen-2.5-32b": 69.0, "qwen-2.5-14b": 63.7, "qwen-2.5-7b": 56.3, "qwen-2.5-3b": 43.7,
        "qwen-2.5-1.5b": 32.4, "qwen-2.5-0.5b": 15.0, "qwen-2-72b": 64.4, "qwen-2-7b": 44.1, "qwen-2-1.5b": 22.9,
        "qwen-2-0.5b": 14.4, "llama-3.1-405b": 73.3, "llama-3.1-70b": 66.4, "llama-3.1-8b": 48.3, "gemma-2-27b": 55.5,
        "gemma-2-9b": 52.1, "gemma-2-2b": 26.7, "phi-3.5-mini": 47.5, "gpt-4o-mini": 63.1,
    },
    "arxiv.org/abs/2409.12186": {"qwen-2.5-coder-32b": 50.4, "qwen-2.5-coder-7b": 40.1},
    "huggingface.co/Qwen, cards of Qwen3-*-2507, not thinking": {
        "qwen-3-235b": 75.2, "qwen-3-235b-2507": 83.0, "qwen-3-30b": 69.1, "qwen-3-4b": 58.0, "qwen-3-4b-2507": 69.6,
    },
    "github.com/tgarg01/silybench-data, accuracy.csv": {"qwen-3-8b": 63.2},
    "github.com/likejazz/likejazz.github.io, _wiki/Qwen.md": {"qwen-3-32b": 70.2},
    "huggingface.co/Qwen, cards of Qwen3.5 and Qwen3.6, thinking": {
        "qwen-3.5-397b": 87.8, "qwen-3.5-35b": 85.3, "qwen-3.5-27b": 86.1, "qwen-3.5-9b": 82.5, "qwen-3.5-4b": 79.1,
        "qwen-3.6-35b": 85.2, "qwen-3.6-27b": 86.2,
    },
    "arxiv.org/abs/2503.19786": {
        "gemma-3-27b": 67.5, "gemma-3-12b": 60.6, "gemma-3-4b": 43.6, "gemma-3-1b": 14.7, "gemini-1.5-flash": 67.3,
        "gemini-1.5-pro": 75.8, "gemini-2.0-flash": 77.6, "gemini-2.0-pro": 79.1,
    },
    "huggingface.co/google/gemma-4-31B-it, thinking": {
        "gemma-4-31b": 85.2, "gemma-4-26b": 82.6, "gemma-4-12b": 77.2, "gemma-4-e4b": 69.4, "gemma-4-e2b": 60.0,
    },
    "developers.googleblog.com/en/gemini-2-family-expands": {"gemini-2.0-flash-lite": 71.6},
    "layerlens.ai, Gemini 3.1 Flash Lite Benchmark Results, 2026-03-05": {"gemini-3.1-flash-lite": 83.0},
    "huggingface.co/meta-llama/Llama-4-Scout-17B-16E-Instruct": {
        "llama-3.3-70b": 68.9, "llama-4-scout": 74.3, "llama-4-maverick": 80.5,
    },
    "ai.meta.com/blog/meta-llama-3-1": {"gpt-4": 64.8},
    "huggingface.co/meta-llama/Llama-3.2-1B-Instruct/discussions/16": {"llama-3.2-1b": 22.6},
    "huggingface.co/microsoft/Phi-4-mini-instruct": {
        "phi-4-mini": 52.8, "llama-3.2-3b": 39.2, "ministral-8b": 36.6, "ministral-3b": 35.3,
    },
    "arxiv.org/abs/2412.08905": {"phi-4": 70.4},
    "huggingface.co/microsoft/Phi-3.5-MoE-instruct": {"phi-3.5-moe": 54.3, "mistral-nemo": 40.7},
    "huggingface.co/mistralai, cards of Mistral-Small 2501, 2503, 2506": {
        "mistral-small": 66.3, "mistral-small-3.1": 66.8, "mistral-small-3.2": 69.1,
    },
    "huggingface.co/datasets/TIGER-Lab/MMLU-Pro, card; Mistral 7B and Llama 2 without tuning": {
        "llama-3-8b": 38.3, "mixtral-8x7b": 40.4, "mistral-7b": 29.8, "phi-3-mini": 41.0, "llama-2-70b": 36.1,
        "llama-2-13b": 24.5, "llama-2-7b": 19.4,
    },
    "github.com/TIGER-AI-Lab/MMLU-Pro": {
        "claude-3-opus": 68.5, "claude-3-sonnet": 56.8, "gpt-4-turbo": 63.7, "llama-3-70b": 56.2,
    },
    "huggingface.co/deepseek-ai/DeepSeek-R1": {"deepseek-v3": 75.9, "deepseek-r1-671b": 84.0, "o1-mini": 80.3},
    "huggingface.co/datasets/mlfoundations-dev/DeepSeek-R1-Distill-Qwen-7B_eval_901d": {"deepseek-r1-7b": 53.6},
    "huggingface.co/deepseek-ai/DeepSeek-V4-Pro; its own not thinking, the others thinking": {
        "deepseek-v4-flash": 83.0, "deepseek-v4-pro": 82.9, "kimi-k2.6": 87.1, "glm-5.1": 86.0, "claude-opus-4.6": 89.1,
        "gpt-5.4": 87.5, "gemini-3.1-pro": 91.0,
    },
    "anthropic.com/news/claude-3-5-haiku": {"claude-3.5-haiku": 65.0},
    "artificialanalysis.ai/evaluations/mmlu-pro, not thinking": {
        "claude-3.5-sonnet": 77.2, "claude-3.7-sonnet": 80.3, "claude-sonnet-4": 83.7, "claude-sonnet-4.5": 86.0,
        "claude-haiku-4.5": 80.0, "gemini-2.5-flash": 80.9, "gemini-3-flash": 88.2, "gpt-4o": 74.8, "gpt-4.1": 80.6,
        "gpt-4.1-mini": 78.1, "gpt-4.1-nano": 65.7, "deepseek-v3.1": 83.3, "deepseek-v3.2": 83.7, "kimi-k2-0905": 81.9,
        "grok-3": 79.9, "grok-4-fast": 73.0, "grok-4.1-fast": 74.3, "glm-4.6": 78.4,
    },
    "artificialanalysis.ai/evaluations/mmlu-pro, thinking": {
        "claude-opus-4": 87.3, "claude-opus-4.1": 88.0, "claude-opus-4.5": 89.5, "gemini-2.5-pro": 86.2,
        "gemini-3-pro": 89.8, "gpt-5": 87.1, "gpt-5-mini": 83.7, "gpt-5-nano": 78.0, "gpt-5.1": 87.0, "gpt-5.2": 87.4,
        "gpt-oss-120b": 80.8, "gpt-oss-20b": 74.8, "o3": 85.3, "o3-mini": 79.1, "o4-mini": 83.2, "grok-4": 86.6,
        "grok-3-mini": 82.8, "kimi-k2-thinking": 84.8, "minimax-m2": 82.0, "minimax-m2.1": 87.5, "glm-4.5": 83.5,
        "glm-4.5-air": 81.5, "qwen-3-235b-thinking-2507": 84.3,
    },
    "vals.ai/benchmarks/mmlu_pro": {"kimi-k3": 88.0, "glm-5.2": 86.7, "glm-5.3": 86.8, "minimax-m3": 84.2},
}  # fmt: skip
"""By source. All were read on 2026-11-30, in public copies where the page itself was out of reach."""

_ALIASES = {
    # Ollama's library: the size that a name without a tag stands for
    "qwen-2": "qwen-2-7b",
    "qwen-2.5": "qwen-2.5-7b",
    "qwen-2.5-coder": "qwen-2.5-coder-7b",
    "qwen-3": "qwen-3-8b",
    "qwen-3.5": "qwen-3.5-9b",
    "llama-2": "llama-2-7b",
    "llama-3": "llama-3-8b",
    "llama-3.1": "llama-3.1-8b",
    "llama-3.2": "llama-3.2-3b",
    "llama-3.3": "llama-3.3-70b",
    "gemma-2": "gemma-2-9b",
    "gemma-3": "gemma-3-4b",
    "gemma-4": "gemma-4-e4b",
    "phi-3": "phi-3-mini",
    "mistral": "mistral-7b",
    "mixtral": "mixtral-8x7b",
    "gpt-oss": "gpt-oss-20b",
    "deepseek-r1": "deepseek-r1-8b",
    # names that makers and OpenRouter give to the large models
    "deepseek/deepseek-r1": "deepseek-r1-671b",
    "deepseek-ai/deepseek-r1": "deepseek-r1-671b",
    "deepseek-reasoner": "deepseek-r1-671b",
    "deepseek-chat": "deepseek-v3",
    "chatgpt-4o": "gpt-4o",
    # next of kin, where nothing is published and the name does not lead to it
    "deepseek-r1-0528": "deepseek-r1-671b",
    "o1": "o1-mini",
    "gemini-4-argon": "gemini-3.1-pro",
    "claude-fable-5": "claude-opus-4.6",
}

_OTHER_KINDS = frozenset({"embed", "embedding", "rerank", "reranker", "image", "tts", "audio", "live", "whisper"})
"""Words in the names of models that do not answer with text."""

_VARIANTS = frozenset(
    {"instruct", "it", "latest", "free", "cloud", "beta", "preview", "exp", "meta", "gguf", "gptq", "awq", "mlx", "qat"}
    | {"bf16", "fp16", "fp8", "f16", "int4", "int8", "mxfp4", "4bit", "8bit"}
)
"""Words that tell how a model is packed or served, not which one it is."""

_QUANTISATION = re.compile(r"[-:_]i?q\d[a-z0-9]*(?:_[a-z0-9]+)*(?=[-:]|$)")
_DATE = re.compile(r"-(?:20\d\d-\d\d-\d\d|\d\d-20\d\d)")
_DROPPED = re.compile(r"\d{8}|\d{3}|a\d+(?:\.\d+)?b")  # a day, a revision, the active share of a mixture of experts
_INFIX = re.compile(r"-distill-(?:qwen|llama)|(?<=deepseek)-chat(?=-v)")
_WORD_THEN_NUMBER = re.compile(r"(?<=[a-z]{3})(?=\d)")
_SPLIT_VERSION = re.compile(r"(?<![\w.])(\d{1,2})-(\d{1,2})(?![\w.])")
_VERSION = re.compile(r"([a-z]?)(\d{1,2})(?:\.(\d{1,2}))?")
_SIZE = re.compile(r"(?:^|-)e?(?:(\d{1,2})x)?(\d{1,4}(?:\.\d{1,3})?)([mbt])(?=-|$)")
_BILLIONS = {"m": 0.001, "b": 1, "t": 1000}


def _normal(name: str) -> str:
    """One spelling for the names that Ollama, Hugging Face, OpenRouter and makers give to a model."""
    plain = _INFIX.sub("", _DATE.sub("", _QUANTISATION.sub("", name.lower())))
    words = (word for word in re.split(r"[-_:@]", plain) if word not in _VARIANTS and not _DROPPED.fullmatch(word))
    return _SPLIT_VERSION.sub(r"\1.\2", "-".join(_WORD_THEN_NUMBER.sub("-", word) for word in words))


def _lineage(normal: str) -> tuple[tuple[str, ...], tuple[int, ...]]:
    """The words of a name and its version: "gemini-3.5-flash" is (gemini, flash) and (3, 5)."""
    words: list[str] = []
    version: tuple[int, ...] = ()
    for part in normal.split("-"):
        found = None if version else _VERSION.fullmatch(part)
        if found:
            version = (int(found[2]), int(found[3] or 0))
        word = found[1] if found else part
        if word and not (word.isdecimal() and len(word) == 4):  # 2507 and 0324 are months, not words
            words.append(word)
    return tuple(words), version


def _lines() -> dict[tuple[str, ...], list[tuple[tuple[int, ...], float]]]:
    """Versions and scores of models whose names have the same words, oldest first."""
    lines: dict[tuple[str, ...], list[tuple[tuple[int, ...], float]]] = {}
    for name, score in _SCORES.items():
        words, version = _lineage(name)
        lines.setdefault(words, []).append((version, score))
    return {words: sorted(scores) for words, scores in lines.items()}


def _size(normal: str) -> tuple[str, float] | None:
    """What stands before the size in a name, and the size in 10⁹ parameters; None where none is named."""
    found = _SIZE.search(normal)
    if found is None:
        return None
    size = int(found[1] or 1) * float(found[2]) * _BILLIONS[found[3]]
    return (normal[: found.start()], size) if size else None


def _fit() -> tuple[float, dict[str, float]]:
    """Slope of logit(score) over log(size) within families, and each family's level; "" is the level of all."""
    families: dict[str, list[tuple[float, float]]] = {}
    for name, score in _SCORES.items():
        if sized := _size(name):
            point = log(sized[1]), log(score / (100 - score))
            families.setdefault(sized[0], []).append(point)
            families.setdefault("", []).append(point)
    centres = {
        family: (sum(x for x, _ in points) / len(points), sum(y for _, y in points) / len(points))
        for family, points in families.items()
    }
    within = [(x - centres[f][0], y - centres[f][1]) for f, points in families.items() if f for x, y in points]
    slope = sum(x * y for x, y in within) / sum(x * x for x, _ in within)
    return slope, {family: y - slope * x for family, (x, y) in centres.items()}


_SCORES = {name: score for scores in _PUBLISHED.values() for name, score in scores.items()}
_LINES = _lines()
_SLOPE, _LEVELS = _fit()


@lru_cache(maxsize=1024)
def ability_of(name: str) -> float | None:
    """A model's score on MMLU-Pro in percent; None where nothing can be told, as for embeddings.

    A model without a published figure has that of its next of kin, the newest older version of the same line:
    "gemini-3.8-flash" has that of "gemini-3-flash". Where there is none, last words of the name are left out. An open
    model without kin has an estimate from the size in its name: logit(score) rises with log(size) at one rate, fitted
    on the table within families, from the level of its family or, where that is unknown, of all.
    """
    if not usable(name):
        return None
    for normal in (_normal(name), _normal(name.rpartition("/")[2])):
        if normal in _SCORES:
            return _SCORES[normal]
        if normal in _ALIASES:
            return ability_of(_ALIASES[normal])
    if not _OTHER_KINDS.isdisjoint(normal.split("-")):
        return None
    return _kin(normal) or _estimate(normal)


def _kin(normal: str) -> float | None:
    words, version = _lineage(normal)
    if not version:  # whatever is newest
        return _LINES[words][-1][1] if words in _LINES else None
    for length in range(len(words), 0, -1):
        older = [score for known, score in _LINES.get(words[:length], ()) if known <= version]
        if older:
            return older[-1]
    return None


def _estimate(normal: str) -> float | None:
    sized = _size(normal)
    if sized is None:
        return None
    stem, size = sized
    family = max((f for f in _LEVELS if f"{stem}-".startswith(f"{f}-")), key=len, default="")
    return 100 / (1 + exp(-_LEVELS[family] - _SLOPE * log(size)))
