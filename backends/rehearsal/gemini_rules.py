"""What Google answers 400 to, model by model, in Google's own words where they are known.

The words are those of public reports: python-genai#867, google-gemini/cookbook#1290, opencode#47034,
LibreChat-AI/agents#323, eclipse-peon-ai#115, proxypal#119 and #170, 5ire#405, Roo-Code#4399.
"""

import base64
import binascii
import re
from hashlib import blake2b
from typing import Any, Literal

import msgspec
from msgspec import Struct

from backends.rehearsal.gemini_requests import read
from backends.rehearsal.scripted_answers import RequestRejected

PLACEHOLDERS = ("skip_thought_signature_validator", "context_engineering_is_the_way_to_go")
NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.:-]{0,63}", re.ASCII)
MIME_TYPES = re.compile(
    r"image/(png|jpeg|webp|heic|heif)|application/pdf|audio/(wav|x-wav|mp3|mpeg|aiff|aac|ogg|flac)|video/\w+|text/\w+"
)
STOPS = 5
KEY = b"the twin's own key"
SIGNATURE_BYTES = 16

_canonical = msgspec.json.Encoder(order="sorted")


class Rules(Struct, frozen=True, kw_only=True):
    """How one family of models behaves. `budgets` are the thinking budgets it takes, `levels` the thinking levels."""

    budgets: tuple[int, int] | None = (0, 24_576)
    levels: tuple[str, ...] = ()
    signatures: bool = False
    json_with_tools: bool = False
    ends_with_user: bool = False
    penalties: bool = False


_ALL = ("MINIMAL", "LOW", "MEDIUM", "HIGH")
_3 = Rules(budgets=(0, 32_768), levels=_ALL, signatures=True, json_with_tools=True)
_3_PRO = msgspec.structs.replace(_3, levels=("LOW", "MEDIUM", "HIGH"))
_LATER = msgspec.structs.replace(_3, ends_with_user=True)
FAMILIES = {
    "gemini-": Rules(),
    "gemini-2.0": Rules(budgets=None, penalties=True),
    "gemini-2.5-pro": Rules(budgets=(128, 32_768)),
    "gemini-3": _3,
    "gemini-3-pro": msgspec.structs.replace(_3, levels=("LOW", "HIGH")),
    "gemini-3.1-pro": _3_PRO,
    "gemini-3.5-flash-lite": _LATER,
    "gemini-3.6": _LATER,
    "gemini-3.7": msgspec.structs.replace(_LATER, levels=_3_PRO.levels),
    "gemini-3.8": msgspec.structs.replace(_LATER, levels=_3_PRO.levels),
    "gemini-4": msgspec.structs.replace(_LATER, levels=_3_PRO.levels),
}


def rules_of(model: str) -> Rules:
    """The rules of the nearest family; a model of another name has none that are stricter than 2.5's."""
    kin = max((family for family in FAMILIES if model.startswith(family)), key=len, default="gemini-")
    return FAMILIES[kin]


def hold_to(body: dict[str, Any], rules: Rules) -> None:
    """Raises RequestRejected for the first rule that is broken."""
    _tools(body, rules)
    _configuration(read(body, "generationConfig", {}), rules)
    contents = [turn for turn in read(body, "contents", []) if isinstance(turn, dict)]
    _order(contents)
    if rules.ends_with_user and contents and read(contents[-1], "role") == "model":
        raise RequestRejected(
            "Requests ending with a model turn are not supported unless the last part is a function response."
        )
    _signatures(contents, rules)


def call_signature(name: str, arguments: Any) -> str:
    """The twin's thoughtSignature of a function call; good for this name and these arguments alone."""
    return base64.b64encode(_digest(_canonical.encode((name, arguments)))).decode()


def text_signature(nonce: bytes) -> str:
    """The twin's thoughtSignature of a text part, good for any text."""
    return base64.b64encode(nonce + _digest(nonce)).decode()


def _tools(body: dict[str, Any], rules: Rules) -> None:
    declared = [item for tool in read(body, "tools", ()) for item in read(tool, "functionDeclarations", ())]
    names = [str(read(item, "name", "")) for item in declared]
    calling = read(read(body, "toolConfig"), "functionCallingConfig")
    for name in (*names, *read(calling, "allowedFunctionNames", ())):
        if not NAME.fullmatch(name):
            raise RequestRejected(
                "* GenerateContentRequest.tools[0].function_declarations[0].name: Invalid function name. Must start"
                f" with a letter or an underscore: {name}\n"
            )
    if len(set(names)) != len(names):
        raise RequestRejected(f"Duplicate function declaration found: {next(n for n in names if names.count(n) > 1)}")
    as_json = read(read(body, "generationConfig"), "responseMimeType") == "application/json"
    if names and as_json and not rules.json_with_tools:
        raise RequestRejected("Function calling with a response mime type: 'application/json' is unsupported")


def _configuration(config: Any, rules: Rules) -> None:
    seed = read(config, "seed")
    if seed is not None and not -(2**31) <= seed < 2**31:
        raise RequestRejected(f"Invalid value at 'generation_config.seed' (TYPE_INT32), {seed}")
    if len(read(config, "stopSequences", ())) > STOPS:
        raise RequestRejected(
            "* GenerateContentRequest.generation_config.stop_sequences: at most 5 stop sequences are allowed.\n"
        )
    if not rules.penalties and (read(config, "frequencyPenalty") or read(config, "presencePenalty")):
        raise RequestRejected("Penalty is not enabled for this model")
    thinking = read(config, "thinkingConfig")
    level, budget = read(thinking, "thinkingLevel"), read(thinking, "thinkingBudget")
    if level is not None and budget is not None:
        raise RequestRejected("You can only set only one of thinking budget and thinking level.")
    if level is not None and not rules.levels:
        raise RequestRejected("thinking_level is not supported by this model")
    if level is not None and str(level).upper() not in rules.levels:
        raise RequestRejected(f"Thinking level {str(level).upper()} is not supported for this model.")
    if budget is not None and rules.budgets is None:
        raise RequestRejected("Thinking is not supported for this model.")
    if budget is not None and rules.budgets is not None and budget != -1:
        low, high = rules.budgets
        if budget == 0 < low:
            raise RequestRejected("Budget 0 is invalid. This model only works in thinking mode.")
        if not low <= budget <= high:
            raise RequestRejected(
                f"The thinking budget ({budget}) is invalid. Please choose a value between {low} and {high}."
            )


Kind = Literal["user", "model", "call", "response"]


def _order(contents: list[dict[str, Any]]) -> None:
    last: Kind | None = None
    asked = 0
    for turn in contents:
        parts = _parts(turn)
        if not parts:
            raise RequestRejected("* GenerateContentRequest.contents: contents.parts must not be empty.\n")
        for part in parts:
            _part(part)
        calls = sum(1 for part in parts if "functionCall" in part or "function_call" in part)
        answers = sum(1 for part in parts if "functionResponse" in part or "function_response" in part)
        if calls and last not in ("user", "response"):
            raise RequestRejected(
                "Please ensure that function call turn comes immediately after a user turn or after a function response"
                " turn."
            )
        if answers and last != "call":
            raise RequestRejected(
                "Please ensure that function response turn comes immediately after a function call turn."
            )
        if last == "call" and answers != asked:
            raise RequestRejected(
                "Please ensure that the number of function response parts is equal to the number of function call parts"
                " of the function call turn."
            )
        role: Kind = "model" if read(turn, "role") == "model" else "user"
        last, asked = ("call" if calls else "response" if answers else role), calls


def _part(part: dict[str, Any]) -> None:
    if not part or (part.get("text") == "" and len(part) == 1):
        raise RequestRejected(
            "* GenerateContentRequest.contents.parts.data: required oneof field 'data' must have one initialized"
            " field\n"
        )
    for kind in ("functionCall", "functionResponse"):
        if (called := read(part, kind)) is not None and not NAME.fullmatch(str(read(called, "name", ""))):
            raise RequestRejected(f"* GenerateContentRequest.contents.parts.{kind}.name: Invalid function name.\n")
    if inline := read(part, "inlineData"):
        mime = str(read(inline, "mimeType", ""))
        if not MIME_TYPES.fullmatch(mime):
            raise RequestRejected(f"Unsupported MIME type: {mime}")


def _signatures(contents: list[dict[str, Any]], rules: Rules) -> None:
    """The current turn begins behind the user's last own words; before it nothing is asked for."""
    begins = max((at for at, turn in enumerate(contents) if _is_own(turn)), default=-1) + 1
    for at, turn in enumerate(contents):
        calls = 0
        for part in _parts(turn):
            called, signature = read(part, "functionCall"), read(part, "thoughtSignature")
            if signature is not None and not _is_signature(signature, called):
                raise RequestRejected("Corrupted thought signature.")
            if called is None:
                continue
            if rules.signatures and at >= begins and not calls and signature is None:
                raise RequestRejected(
                    "Function call is missing a thought_signature in functionCall parts. This is required for tools to"
                    " work correctly, and missing thought_signature may lead to degraded model performance. Additional"
                    f" data, function call `default_api:{read(called, 'name')}` , position {at + 1}. Please refer to"
                    " https://ai.google.dev/gemini-api/docs/thought-signatures for more details."
                )
            calls += 1


def _is_own(turn: dict[str, Any]) -> bool:
    return read(turn, "role") != "model" and any(read(part, "functionResponse") is None for part in _parts(turn))


def _is_signature(signature: Any, called: Any) -> bool:
    if signature in PLACEHOLDERS:
        return True
    try:
        given = base64.b64decode(str(signature).replace("-", "+").replace("_", "/"), validate=True)
    except (binascii.Error, ValueError):
        return False
    if called is not None:
        return given == _digest(_canonical.encode((read(called, "name"), read(called, "args", {}))))
    return len(given) > SIGNATURE_BYTES and _digest(given[:-SIGNATURE_BYTES]) == given[-SIGNATURE_BYTES:]


def _parts(turn: dict[str, Any]) -> list[dict[str, Any]]:
    parts = read(turn, "parts", ())
    return [part for part in (parts if isinstance(parts, list) else [parts]) if isinstance(part, dict)]


def _digest(data: bytes) -> bytes:
    return blake2b(data, key=KEY, digest_size=SIGNATURE_BYTES).digest()
