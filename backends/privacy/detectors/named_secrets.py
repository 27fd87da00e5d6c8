"""Secrets beside their name that no run of key characters is: with signs (`django-insecure-^k!…`), or short.

Longer ones without signs are found by `api_keys.py`.
"""

import re
from collections.abc import Iterator

from backends.privacy.detection import Detection
from backends.privacy.detectors.key_names import FULL, Surroundings
from backends.privacy.detectors.named_values import Value, bare_value, named_values, names_code
from backends.privacy.detectors.secret_names import KEY_HEADS
from backends.privacy.detectors.secret_values import has_all_cases, is_loud, is_masked, is_placeholder, is_random
from backends.privacy.text_window import RUN, TextWindow
from backends.privacy.word_stems import Stems

WITHOUT_KEY = Stems(*(head for head in KEY_HEADS if head != "key"))
"""A bare "key" stands in all code, and names no secret by itself."""

SIGNED = re.compile(r"(?=.{0,200}[!@#$%^&*?~|;])(?=.{0,200}\d)[^\s/\\]\S{9,200}")
SHORT = re.compile(r"[A-Za-z0-9]{8,9}")
REACH = 30


def find(window: TextWindow) -> Iterator[Detection]:
    """Values that stand beside a secret's full name and look like a password."""
    text, around = window.text, Surroundings(window.text)
    for name, end, values in named_values(window, WITHOUT_KEY):
        if name["password"] is None and around.within(max(0, name.start() - REACH), end).key == FULL:
            value = next((each for each in values if _is_secret(text, each)), None)
            if value is not None:
                yield Detection("api-key", value.start, value.end)


def _is_secret(text: str, value: Value) -> bool:
    bare = bare_value(text, value)
    if is_placeholder(bare) or is_masked(bare) or names_code(text, value):
        return False
    if SHORT.fullmatch(bare):
        return not value.loud and has_all_cases(bare)
    if RUN.fullmatch(bare) or SIGNED.fullmatch(bare) is None:
        return False
    return is_loud(bare) if value.loud else is_random(bare)
