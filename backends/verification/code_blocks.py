"""Do the fenced blocks of an answer parse: Python, JSON, TOML? Nothing is run."""

import ast
import re
import textwrap
import tomllib
import warnings
from collections.abc import Callable

import msgspec

from backends.verification.check_result import CheckedAnswer, CheckResult, failed, passed, unknown

BLOCK = re.compile(r"(?ms)^[ \t]*```[ \t]*(\w+)[^\n]*\n(.*?)^[ \t]*```")
LARGEST = 20_000
"""Characters of all blocks together; so many parse in a few milliseconds."""

SESSION = re.compile(r"(?m)^\s*(?:>>>|[$%!]\s?\w)")
SKETCH = re.compile(r"\.\.\.|…|//|/\*|<[a-z_ ]+>")
"""An example with an omission is not meant to parse."""


def check_code(answer: CheckedAnswer) -> CheckResult:
    """Python, JSON and TOML; sketches and blocks of other languages are unknown."""
    blocks = [(kind.lower(), text) for kind, text in BLOCK.findall(answer.text[: 10 * LARGEST])]
    whole = [(kind, text) for kind, text in blocks if kind in PARSERS and not _is_sketch(kind, text)]
    if not whole or sum(len(text) for _, text in whole) > LARGEST:
        return unknown("code")
    try:
        broken = next((kind for kind, text in whole if not PARSERS[kind](textwrap.dedent(text))), None)
    except (RecursionError, MemoryError):
        return unknown("code")
    return passed("code") if broken is None else failed("code", f"a {NAMES[broken]} block does not parse")


def _is_sketch(kind: str, text: str) -> bool:
    return (SESSION if NAMES[kind] == "Python" else SKETCH).search(text) is not None


def _python(text: str) -> bool:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            # Not ast.parse: in CPython 3.11 two threads inside it break each other.
            compile(text, "block", "exec", ast.PyCF_ALLOW_TOP_LEVEL_AWAIT, dont_inherit=True)
    except SyntaxError as error:
        return "outside function" in error.msg
    except ValueError:
        return False
    return True


def _json(text: str) -> bool:
    try:
        msgspec.json.decode(text)
    except (msgspec.DecodeError, UnicodeEncodeError):
        return False
    return True


def _toml(text: str) -> bool:
    try:
        tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        return False
    return True


PARSERS: dict[str, Callable[[str], bool]] = {
    "python": _python,
    "python3": _python,
    "py": _python,
    "json": _json,
    "toml": _toml,
}
NAMES = {"python": "Python", "python3": "Python", "py": "Python", "json": "JSON", "toml": "TOML"}
