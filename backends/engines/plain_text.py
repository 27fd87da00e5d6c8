"""Well-formed Unicode, which every server and library accepts."""

from typing import Any

import msgspec


def without_surrogates(text: str) -> str:
    """`text` with each lone half of a surrogate pair replaced by U+FFFD and whole pairs joined."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    return text


def well_formed(value: Any) -> Any:
    """A JSON value with all its text made well-formed."""
    match value:
        case str():
            return without_surrogates(value)
        case dict():
            return {well_formed(key): well_formed(item) for key, item in value.items()}
        case list() | tuple():
            return [well_formed(item) for item in value]
    return value


def as_json(value: Any) -> bytes:
    """`value` as JSON. Half of a surrogate pair, which UTF-8 cannot encode, becomes U+FFFD."""
    try:
        return msgspec.json.encode(value)
    except UnicodeEncodeError:
        return msgspec.json.encode(well_formed(value))
