"""A caller's JSON, parsed once at the border: well-formed, within bounds, and with one meaning."""

import json
from typing import Any, NoReturn, TypeVar

import msgspec

from backends.gateway.http_errors import HttpError
from backends.gateway.json_shape import TooMuch, outline
from backends.gateway.surrogates import mended
from backends.off_loop import LARGE

DEPTH = 64  # levels of a JSON schema; no real one is deeper

HOLDS_OTHERS = (dict, list)

T = TypeVar("T")

_objects = msgspec.json.Decoder(dict[str, Any])


def decode(body: bytes, decoder: msgspec.json.Decoder[T]) -> T:
    """`body` as what `decoder` reads. Raises HttpError (400), naming the field or the bound that is wrong."""
    try:
        checked = body if len(body) < LARGE else outline(body)
        value = decoder.decode(body)
        _strict.decode(checked.decode())
    except TooMuch as error:
        raise HttpError(400, "invalid_request", f"{error}: send less at once") from None
    except msgspec.ValidationError as error:
        raise wrong_field(error) from None
    except RecursionError:
        raise HttpError(400, "invalid_json", "the body is nested too deeply") from None
    except ValueError as error:
        # msgspec.DecodeError and UnicodeDecodeError too; their text can quote the body, ours does not.
        line = str(error) if isinstance(error, _DuplicateKey) else "the body is not valid JSON in UTF-8"
        raise HttpError(400, "invalid_json", line) from None
    return value


def fields_of(body: bytes) -> dict[str, Any]:
    """A body that is one object. Raises HttpError (400)."""
    try:
        return decode(body, _objects)
    except HttpError:
        whole = mended(body)
        if whole is body:
            raise
    return decode(whole, _objects)


def converted(fields: Any, kind: type[T]) -> T:
    """`fields` as a `kind`. Raises HttpError (400), naming the field that is wrong."""
    try:
        return msgspec.convert(fields, kind)
    except msgspec.ValidationError as error:
        raise wrong_field(error) from None
    except RecursionError:
        raise HttpError(400, "invalid_json", "the body is nested too deeply") from None


def inner(fields: Any, *path: str) -> Any:
    """What stands at `path`, None where there is none."""
    for name in path:
        fields = fields.get(name) if isinstance(fields, dict) else None
    return fields


def text_of(value: Any) -> str:
    """`value` where it is a text, else ""."""
    return value if isinstance(value, str) else ""


def wrong_field(error: msgspec.ValidationError) -> HttpError:
    """A value that does not fit, by the field's name."""
    what, _, where = str(error).rpartition(" - at `$")
    field = where.strip("`").lstrip(".") if what else ""
    return HttpError(400, "invalid_request", f"{field}: {what}" if field else str(error), param=field or None)


def check_depth(value: Any, name: str) -> None:
    """Raises HttpError (400) where `value` is nested deeper than DEPTH."""
    if is_deep(value):
        raise too_deep(name)


def is_deep(value: Any) -> bool:
    """Is `value` nested deeper than DEPTH?"""
    level = [value]
    for _ in range(DEPTH):
        level = [
            child
            for item in level
            if isinstance(item, HOLDS_OTHERS)
            for child in (item.values() if isinstance(item, dict) else item)
        ]
        if not level:
            return False
    return True


def too_deep(name: str) -> HttpError:
    return HttpError(400, "invalid_request", f"{name} is nested deeper than {DEPTH} levels", param=name)


class _DuplicateKey(ValueError):
    """A key that is in one object twice."""


def _no_duplicates(pairs: list[tuple[str, Any]]) -> bool:
    if len(dict(pairs)) != len(pairs):
        raise _DuplicateKey("a key is in one object twice")
    return True


def _no_constant(_: str) -> NoReturn:
    raise ValueError


_strict = json.JSONDecoder(object_pairs_hook=_no_duplicates, parse_constant=_no_constant)
