"""When two names are one model's: prefixes, revisions and aliases of Gemini's."""

import re

LONGEST = 128
_REVISION = re.compile(r"-\d{3}$")
_NAME = re.compile(r"[\w.:/@+-]+", re.ASCII)


def bare(name: str) -> str:
    """Without the prefix of Google's resource names: "models/gemini-3.5-flash" is "gemini-3.5-flash"."""
    return name.removeprefix("models/")


def without_revision(name: str) -> str:
    """ "gemini-2.0-flash-001" is a stable revision of "gemini-2.0-flash"."""
    return _REVISION.sub("", name)


def is_alias(name: str) -> bool:
    """Is it a name under which its maker serves whatever is newest?"""
    return name.endswith("-latest")


def same(asked: str, answered: str) -> bool:
    """Is it one model, under a prefix or with a revision's number?"""
    return without_revision(bare(asked)) == without_revision(bare(answered))


def usable(name: str) -> bool:
    """Can a model be called so? A provider's word may be anything."""
    return 0 < len(name) <= LONGEST and _NAME.fullmatch(name) is not None
