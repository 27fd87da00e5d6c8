"""Tool calls that a model writes as text, because its server did not parse them as calls.

Parsed are the forms that the models of local servers are trained or documented to write: Hermes' and
Qwen's `<tool_call>`, Qwen Coder's `<tools>`, bare or fenced JSON and XML parameters, Mistral's `[TOOL_CALLS]`, Llama's
`<|python_tag|>` and `<function=NAME>`, Phi's and Granite's `<|tool_call|>`. A text is a call only where nothing else
can be meant: it names a declared tool, its arguments are an object, and only blanks follow it.
"""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from msgspec import Struct

from backends.engines.plain_text import without_surrogates

Calls = tuple[tuple[str, str], ...]
"""Each call's tool and arguments, as JSON text."""

Tools = Mapping[str, dict[str, Any]]
"""The parameters' JSON schema of each tool that may be called, by its name."""

LONGEST = 262_144
"""How many characters of a possible call are held back; a longer text is passed on as it comes."""

PAIRS = {
    "<tool_call>": "</tool_call>",
    "<function_call>": "</function_call>",
    "<toolcall>": "</toolcall>",
    "<TOOLCALL>": "</TOOLCALL>",
    "<tools>": "</tools>",
    "<|tool_call|>": "<|/tool_call|>",
    "<|python_tag|>": "<|eom_id|>",
    "[TOOL_CALLS]": "</s>",
    "<function=": "</function>",
}
"""What opens a call and what closes it; the closing mark may be missing at the end of the answer."""

OPENERS = tuple(PAIRS)
ENDS = ("<|im_end|>", "<|eot_id|>", "<|eom_id|>", "<|end|>", "</s>")
LANGUAGES = ("", "json", "tool_call", "tool_calls", "tool", "xml")
NAMES = ("name", "function", "tool", "tool_name")
KEYS = (*NAMES, "arguments", "parameters", "type", "id", "tool_calls")
BETWEEN = " \t\r\n,;"
MOST_CLOSERS = 16
EARLY = 200
"""How many characters are enough to tell from the first key of a JSON text whether it can be a call."""

MARK = re.compile("|".join(map(re.escape, OPENERS)))
FIRST_KEY = re.compile(r'[\s\[]*\{\s*"([^"\\]*)"\s*:\s*(?:"((?:[^"\\]|\\.)*)"|[^"\s])')
JSON_OPENING = re.compile(r'[\s\[]*(?:\{\s*(?:"[^"\\]*(?:"\s*(?::\s*(?:"(?:[^"\\]|\\.)*)?)?)?)?)?\Z')
FENCE = re.compile(r"```([a-z_]*)[ \t]*\n(.*?)\n?```\s*\Z", re.DOTALL)
PARAMETER = re.compile(r"<parameter=([^>\n]+)>\n?(.*?)\n?</parameter>", re.DOTALL)


class Written(Struct, frozen=True):
    """The result of parsing a text: (tool, arguments) of the calls in it, and the text before them.

    `failed` is True for text that is meant as a call but cannot be parsed as one.
    """

    before: str
    calls: Calls
    failed: bool = False


def read(text: str, tools: Tools, *, of_json: bool = False) -> Written:
    """Parse a whole text. With `of_json`, bare JSON is a call only where it can be nothing else: JSON was asked for."""
    found = opened(text)
    if found is not None:
        before = text[: found[0]]
        at = found[0]
        calls = None if _quoted(before) else _tagged(text[at:], tools)
        if calls:
            return Written(before, calls)
        return Written(text, (), failed=not _quoted(before))
    inner = fenced(text) or text
    calls = _calls(_values(inner), tools, strict=True, only=of_json)
    if calls:
        return Written("", calls)
    return Written(text, (), failed=not of_json and _names_a_tool(inner, tools))


def opened(text: str) -> tuple[int, bool] | None:
    """The position of the first mark that opens a call, and whether that is certain: a call's beginning follows it."""
    for found in MARK.finditer(text):
        after = text[found.end() :].lstrip()
        if found[0] == "<function=" or not after or after.startswith(("{", "[", "```", "<function=")):
            return found.start(), found[0] == "<function=" or bool(after)
        if found[0] == "[TOOL_CALLS]" and after[0].isidentifier():
            return found.start(), True
        if any(mark.startswith(after) for mark in ("```", "<function=")):
            return found.start(), False
    return None


def half_opened(text: str) -> int:
    """How many of the last characters may be the beginning of a mark."""
    longest = max(map(len, OPENERS)) - 1
    for size in range(min(longest, len(text)), 0, -1):
        if any(opener.startswith(text[-size:]) for opener in OPENERS):
            return size
    return 0


def may_begin(text: str, tools: Tools) -> bool | None:  # noqa: PLR0911 — a table of beginnings
    """Can an answer with this beginning be a call as a whole? None where that cannot be told yet."""
    head = text.lstrip()
    if head.startswith(OPENERS):
        found = opened(head)
        return False if found is None or found[0] else True if found[1] else None
    if not head or any(opener.startswith(head) for opener in OPENERS):
        return None
    if "```".startswith(head):
        return None
    if head.startswith("```"):
        language, newline, head = head[3:].partition("\n")
        if language.strip() not in LANGUAGES and not (not newline and _begins_any(language)):
            return False
        head = head.lstrip()
        if not newline or not head:
            return None
        if any(opener.startswith(head) or head.startswith(opener) for opener in OPENERS):
            return True
    return _may_be_json(head, tools)


def fenced(text: str) -> str | None:
    """The content of the fence, where the whole text is one."""
    found = FENCE.match(text.lstrip())
    return found[2] if found and found[1] in LANGUAGES and "```" not in found[2] else None


def _begins_any(language: str) -> bool:
    return any(known.startswith(language.strip()) for known in LANGUAGES)


def _may_be_json(head: str, tools: Tools) -> bool | None:
    if head[0] not in "{[":
        return False
    found = FIRST_KEY.match(head)
    if found is None:
        return None if len(head) < EARLY and JSON_OPENING.match(head) else False
    key, value = found[1], found[2]
    if key in NAMES and value is not None:
        return value in tools
    return value == "function" if key == "type" else key in KEYS


def _names_a_tool(text: str, tools: Tools) -> bool:
    """Does it begin as a call of a declared tool?"""
    found = FIRST_KEY.match(text)
    return found is not None and found[1] in NAMES and found[2] in tools


def _quoted(before: str) -> bool:
    """Is the mark inside code, where it is only quoted?"""
    return before.count("```") % 2 == 1 or before.endswith("`")


def _tagged(text: str, tools: Tools) -> Calls | None:
    calls: list[tuple[str, str]] = []
    while text := _after_ends(text):
        opener = next((mark for mark in OPENERS if text.startswith(mark)), None)
        if opener is None:
            return None
        found, text = _first(text.removeprefix("" if opener == "<function=" else opener), PAIRS[opener], tools)
        if not found:
            return None
        calls += found
    return tuple(calls)


def _first(text: str, closer: str, tools: Tools) -> tuple[Calls | None, str]:
    """The calls up to the closing mark, which may also occur in an argument, and what follows it."""
    at = 0
    for _ in range(MOST_CLOSERS):
        at = text.find(closer, at)
        content, rest = (text, "") if at < 0 else (text[:at], text[at + len(closer) :])
        if (found := _content(content.strip(), tools)) or at < 0:
            return found, rest
        at += len(closer)
    return None, ""


def _after_ends(text: str) -> str:
    """The text without leading blanks and end marks that a server let through."""
    while (stripped := text.lstrip()) and (end := next((mark for mark in ENDS if stripped.startswith(mark)), None)):
        text = stripped.removeprefix(end)
    return stripped


def _content(content: str, tools: Tools) -> Calls | None:
    if content.startswith("<function="):
        name, closed, rest = content.removeprefix("<function=").partition(">")
        return _function(name.strip(), rest.removesuffix("</function>").strip(), tools) if closed else None
    name, marked, arguments = content.partition("[ARGS]")
    if marked:
        return _function(name.strip(), arguments.strip(), tools)
    return _calls(_values(fenced(content) or content), tools, strict=False)


def _function(name: str, given: str, tools: Tools) -> Calls | None:
    """A call whose arguments are JSON, or XML parameters."""
    if name not in tools:
        return None
    if not given.startswith("<parameter="):
        value = _json(given or "{}")
        return ((name, _text(value)),) if isinstance(value, dict) else None
    if PARAMETER.sub("", given).strip():
        return None
    properties = tools[name].get("properties")
    kinds = properties if isinstance(properties, dict) else {}
    arguments = {key.strip(): _literal(value, kinds.get(key.strip())) for key, value in PARAMETER.findall(given)}
    return ((name, _text(arguments)),)


def _literal(value: str, schema: Any) -> Any:
    """A parameter, which is text in XML, in the type of its schema."""
    kind = schema.get("type") if isinstance(schema, dict) else None
    if kind in (None, "string") or (isinstance(kind, list) and "string" in kind):
        return value
    found = _json(value.strip())
    return value if found is None else found


def _calls(values: list[Any] | None, tools: Tools, *, strict: bool, only: bool = False) -> Calls | None:
    """The calls that all `values` are; None where one is none. `strict` asks for arguments to be there."""
    calls = []
    for value in _items(values):
        call = _call(value, tools, strict=strict, only=only)
        if call is None:
            return None
        calls.append(call)
    return tuple(calls) or None


def _items(values: list[Any] | None) -> Iterator[Any]:
    for value in values or ():
        if isinstance(value, list):
            yield from value
        elif isinstance(value, dict) and isinstance(value.get("tool_calls"), list) and len(value) == 1:
            yield from value["tool_calls"]
        else:
            yield value


def _call(value: Any, tools: Tools, *, strict: bool, only: bool) -> tuple[str, str] | None:
    if not isinstance(value, dict):
        return None
    if isinstance(value.get("function"), dict) and value.get("type", "function") == "function":
        value = value["function"]
    name = next((value[key] for key in NAMES if isinstance(value.get(key), str)), None)
    if name is None or name not in tools or not set(value) <= set(KEYS) or (only and len(value) != 2):
        return None
    given = value.get("arguments", value.get("parameters"))
    if isinstance(given, str):
        given = _json(given or "{}")
    if given is None and not strict:
        given = {}
    return (name, _text(given)) if isinstance(given, dict) else None


def _values(text: str) -> list[Any] | None:
    """The JSON values that follow each other in `text`; None where anything else is in it."""
    decoder, at, found = json.JSONDecoder(), 0, []
    text = text.strip()
    while at < len(text):
        try:
            value, at = decoder.raw_decode(text, at)
        except (ValueError, RecursionError):
            return None
        found.append(value)
        while at < len(text) and text[at] in BETWEEN:
            at += 1
    return found


def _json(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def _text(arguments: Any) -> str:
    return without_surrogates(json.dumps(arguments, ensure_ascii=False, separators=(",", ":")))
