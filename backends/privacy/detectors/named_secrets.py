"""Keys and tokens that the name beside them reveals: `"api_key": "…"`, `SIGNING_SECRET=…`, "der Token lautet …"."""

import re
from collections.abc import Iterator

from backends.privacy.detection import Detection
from backends.privacy.detectors.code_names import is_name, is_record_key
from backends.privacy.detectors.named_values import GROUPS, Value, bare_value, named_values, names_code
from backends.privacy.detectors.secret_names import HARMLESS_BEFORE, KEY_HEADS, QUALIFIERS
from backends.privacy.detectors.secret_values import has_all_cases, is_loud, is_placeholder, is_random
from backends.privacy.text_window import TextWindow

RECORD = re.compile(r"(?i)(?:session|routing|storage)[ _\-]?\Z")
"""What qualifies the key of a record as often as it does a secret."""

PROJECT = re.compile(r"(?i)project[ _\-]?\Z")

ANALYTICS = re.compile(r"(?i)mixpanel|posthog|analytics|telemetry")

HEX = re.compile(r"(?i)[0-9a-f\-]+")


def find(window: TextWindow) -> Iterator[Detection]:
    """Values that stand beside a key's name and look like one."""
    text = window.text
    for name, _, values in named_values(window, KEY_HEADS):
        if name["password"] is None:
            value = next((each for each in values if _is_key(text, name, each)), None)
            if value is not None:
                yield Detection("api-key", value.start, value.end)


def _is_key(text: str, match: re.Match[str], value: Value) -> bool:  # noqa: PLR0911 — one line a reason
    """A bare `key` before hexadecimal digits is a cache's or a table's, more often than not."""
    bare, before = bare_value(text, value), text[max(0, match.start() - 16) : match.start()]
    least = 12 if match[0].lower() in ("token", "secret") and has_all_cases(bare) else 16
    if HARMLESS_BEFORE.search(before) or _is_published(text, match, before):
        return False
    if value.loud:
        return is_loud(bare) and not is_placeholder(bare)
    if " " in bare and GROUPS.match(bare) is None:
        return False
    if len(bare) < least or not is_random(bare) or is_placeholder(bare) or names_code(text, value):
        return False
    if _names_something(match, before, bare):
        return False
    if HEX.fullmatch(bare) is None:
        return True
    named = match[0].lower() != "key" or before.endswith((".", "_", "-")) or QUALIFIERS.search(before) is not None
    return named and not value.far


def _names_something(match: re.Match[str], before: str, bare: str) -> bool:
    """An identifier, a path or the key of a record stands where a key could."""
    if is_name(bare):
        return not is_loud(bare)
    records = match[0].lower() == "key" and (RECORD.search(before) or not QUALIFIERS.search(before))
    return bool(records) and is_record_key(bare)


def _is_published(text: str, match: re.Match[str], before: str) -> bool:
    """The token of a project in web analytics: it only writes events, and every visitor's browser has it."""
    if match[0].lower() != "token" or PROJECT.search(before) is None:
        return False
    return ANALYTICS.search(text, max(0, match.start() - 400), match.end() + 400) is not None
