"""API keys: a run of characters that a key can be made of is judged by its form, its letters and the names around it.

One pass over the text finds the runs. A run counts if it has a vendor's form, or looks random and has a key's or a
vendor's name beside it, or is unmistakable by itself.
"""

import re
from collections.abc import Iterator

from backends.privacy.detection import Detection
from backends.privacy.detectors.code_names import is_path, is_reference
from backends.privacy.detectors.key_characters import randomness
from backends.privacy.detectors.key_lookalikes import HEX, ID, LICENCE, PATH, SHORT_HEX, encodes_text, is_cut, is_public
from backends.privacy.detectors.key_names import BARE, FULL, HINT, Surroundings, names
from backends.privacy.detectors.secret_values import is_documented, is_masked
from backends.privacy.detectors.vendor_keys import VENDOR_FORMS
from backends.privacy.text_window import TextWindow
from backends.privacy.word_stems import Stems

AWS = ("AKIA", "ASIA")
"""Literal text of Amazon's access keys, which are a kind of their own."""

JOINED_NAME = re.compile(
    r"(?i)(?:secret|token|key|private|access|auth|api|pat|password)(?:[_\-]?(?:key|token|secret))?[_\-.](?=[A-Za-z0-9])"
)
"""A name that is joined to its value as code joins words: `acme-api-key-…`."""

HOOK = re.compile(r"[\w.\-/]{0,80}hook[\w.\-/]{0,80}/(?![0-9a-f\-]+\Z)([A-Za-z0-9_\-]{16,120})")
"""A webhook's address: who knows it may call it."""

OWN_KEY = re.compile(r"[a-zA-Z0-9][_\-]?(?:[kK]ey|KEY)[\"']?\s{0,3}(?:=|:|=>|:=)\s{0,3}[\"']?\Z")
"""A key's name in settings, of something that is in no list."""

BEFORE_KEY = 60
"""Characters before a value in which OWN_KEY or CALL ends."""

CALL = re.compile(r"\b(?:\w{0,20}[Cc]lient|API|Api|SDK|[Bb]ot|configure|init|login)\(\s?[\"']\Z")
"""A client of some service is made with its key."""

UNLISTED = re.compile(
    r"(?:[a-z]{2,12}\d?|[A-Z]{2,12}\d?|[a-z]\d)(?:[_\-.][a-z]{1,8}\d{0,2}){0,3}[_\-]([A-Za-z0-9_\-]{28,200})"
)
"""Keys of vendors that are not listed: a word, a joint, and 28 or more letters and digits."""

GROUPED = re.compile(r"(?<!\w)(?=[A-Z ]{0,60}[2-7])[A-Z2-7]{4}(?: [A-Z2-7]{4}){3,15}(?!\w)")
GROUPED_STEMS = Stems("key:", "key ", "secret", "2fa", "otp")
"""A one-time code's secret, as authenticators print it."""

LEAST, LONGEST = 10, 2_000
"""Characters of a key without a vendor's form."""

LEAST_JOINED = 20
"""The same with a name that is joined to it."""

LEAST_OF_VENDOR = 14
"""The same with only a vendor's name before it."""

DIGIT = re.compile(r"\d")
"""Without any, a value has to look as random as one without a name."""

LEAST_DISTINCT = 6
"""Different characters of a key."""

LEAST_NAMED = -10.0
"""A lower score no name makes up for: words have it."""

LEAST_NEAR, LEAST_COMMON, LEAST_BARE = 12.0, 20.0, 25.0
"""Scores of a value with names in reach, with only a word before it that is a vendor's name, too, and without any."""


def find(window: TextWindow) -> Iterator[Detection]:
    """Keys of listed and unlisted vendors."""
    text, around = window.text, Surroundings(window.text)
    for stretch in window.around(GROUPED_STEMS, 0, 140):
        for match in GROUPED.finditer(text, *stretch):
            if around.before(*match.span()).key:
                yield Detection("api-key", *match.span())
    if not window.key_runs:
        return
    for form, match in VENDOR_FORMS.with_signs(text):
        if _is_real(form.literal, match[0]):
            yield Detection("api-key", *match.span())
    for start, end in window.key_runs:
        found = _with_form(text, start, end) or _with_name(text, start, end, around)
        if found is not None:
            yield found


def _with_form(text: str, start: int, end: int) -> Detection | None:
    for form, match in VENDOR_FORMS.in_run(text, start, end):
        if _inside_base64(text, match.start()) or is_cut(text, *match.span()):
            continue
        if _is_real(form.literal, match[0]):
            return Detection("aws-key" if form.literal in AWS else "api-key", *match.span())
    return None


def _is_real(literal: str, value: str) -> bool:
    """No placeholder, and no name that begins like a key (`hf_generatedByHomeApp`)."""
    rest = value.replace(literal, "")
    if is_masked(rest) or is_documented(value) or len(set(rest)) < LEAST_DISTINCT:
        return False
    return randomness(rest) > -0.2 * len(rest) and not is_reference(rest)


def _inside_base64(text: str, start: int) -> bool:
    """Literal text in the middle of a longer run of letters stands there by chance."""
    before = text[max(0, start - 21) : start]
    return before[-1:] in ("/", "+") and len(before) == 21 and before.replace("/", "a").replace("+", "a").isalnum()


def _with_name(text: str, start: int, end: int, around: Surroundings) -> Detection | None:
    joined = JOINED_NAME.search(text, start, end) if end - start > LEAST_JOINED else None
    if joined is not None and end - joined.end() >= LEAST:
        start = joined.end()
    run = text[start:end].rstrip("./-")
    hook = HOOK.fullmatch(run) if "hook" in run else None
    if hook is not None and randomness(hook[1]) > LEAST_NEAR:
        return Detection("api-key", start + hook.start(1), start + hook.end(1))
    value = run.lstrip("./")
    start += len(run) - len(value)
    if (
        not LEAST <= len(value) <= LONGEST
        or len(set(value)) < LEAST_DISTINCT
        or not _is_key(text, start, value, around)
    ):
        return None
    if is_masked(value) or is_documented(value) or is_cut(text, start, start + len(value)):
        return None
    return Detection("api-key", start, start + len(value))


def _is_key(text: str, start: int, value: str, around: Surroundings) -> bool:
    end = start + len(value)
    if SHORT_HEX.fullmatch(value) or value.isdigit():
        return _is_of_vendor(start, end, around) and not is_public(text, start, end)
    if HEX.fullmatch(value) or LICENCE.fullmatch(value):
        return _is_named(text, start, end, around) and not is_public(text, start, end)
    score = randomness(value)
    if score <= (max(2 - 0.4 * len(value), LEAST_NAMED) if DIGIT.search(value) else LEAST_NEAR):
        return False
    if "/" in value and is_path(value):
        return False
    return _is_likely(text, start, value, score, around) and not is_public(text, start, end)


def _is_of_vendor(start: int, end: int, around: Surroundings) -> bool:
    """Numbers and abbreviated hashes count only as the key of a vendor."""
    own = around.before(start, end)
    if own.harmless:
        return False
    return (own.key > 0 and own.vendor > 0) or (own.key >= BARE and around.near(start).vendor == FULL)


def _is_named(text: str, start: int, end: int, around: Surroundings) -> bool:
    """Ids and hashes, too, are hexadecimal digits or groups of them: the names alone decide."""
    own = around.before(start, end)
    if own.harmless:
        return False
    if FULL in (own.key, own.vendor) or (own.key and own.vendor) or _logs_in(text, start, end):
        return True
    behind = around.behind(end)
    if behind.key == FULL and (own.vendor or behind.vendor):
        return True
    if own.key == BARE and OWN_KEY.search(text, max(0, start - BEFORE_KEY), start) is not None:
        return True
    return own.key > 0 and around.near(start).vendor > (0 if own.key == BARE else HINT)


def _is_likely(text: str, start: int, value: str, score: float, around: Surroundings) -> bool:
    """The less the names around a value say, the more random it has to look."""
    own = around.before(start, start + len(value))
    if own.harmless:
        return False
    if own.key == FULL or (own.key and own.vendor):
        return True
    if ID.match(value) or (score < LEAST_NEAR and PATH.match(value)):
        return False
    if own.vendor == FULL and len(value) >= LEAST_OF_VENDOR:
        return score > LEAST_NEAR or (score > 0 and not names(value).vendor)
    if score <= LEAST_NEAR or not (own.key or _is_near_names(text, start, value, score, around)):
        return False
    return not encodes_text(value)


def _is_near_names(text: str, start: int, value: str, score: float, around: Surroundings) -> bool:
    """A random value without a full name right before it."""
    end = start + len(value)
    if CALL.search(text, max(0, start - BEFORE_KEY), start) or _logs_in(text, start, end):
        return True
    near = around.near(start)
    if FULL in (near.key, near.vendor, around.behind(end).key) or (near.key and near.vendor):
        return True
    if score > LEAST_COMMON and around.before(start, end).vendor:
        return True
    unlisted = UNLISTED.fullmatch(value)
    return unlisted is not None and randomness(unlisted[1]) > LEAST_BARE


def _logs_in(text: str, start: int, end: int) -> bool:
    """Stands in a URL where a user or a password does."""
    return text.startswith("@", end) and text.endswith("//", 0, start)
