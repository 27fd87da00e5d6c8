"""Text as every engine can take it: well-formed Unicode."""

from typing import Any

import msgspec


def without_surrogates(text: str) -> str:
    """`text`, in which each half of a surrogate pair that stands alone is U+FFFD; whole pairs are joined."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    return text


def well_formed(value: Any) -> Any:
    """A JSON value in which all text is."""
    match value:
        case str():
            return without_surrogates(value)
        case dict():
            return {well_formed(key): well_formed(item) for key, item in value.items()}
        case list() | tuple():
            return [well_formed(item) for item in value]
    return value


def as_json(value: Any) -> str:
    """A JSON value as text; halves of surrogate pairs, which a model may write as escapes, are replaced."""
    try:
        return msgspec.json.encode(value).decode()
    except UnicodeEncodeError:
        return msgspec.json.encode(well_formed(value)).decode()
