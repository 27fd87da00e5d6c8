"""Any value of a type out of backends.types and backends.events, for properties over all of them."""

from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from functools import cache
from types import UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

import msgspec
from hypothesis import strategies as st

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)

PLAIN: dict[Any, st.SearchStrategy[Any]] = {
    Any: st.none() | st.integers(-(2**53), 2**53) | TEXT,
    str: TEXT,
    int: st.integers(-(2**63), 2**63 - 1),
    float: st.floats(allow_nan=False, allow_infinity=False),
    bool: st.booleans(),
    bytes: st.binary(max_size=20),
    Decimal: st.decimals(min_value=0, max_value=10**9, allow_nan=False, places=6),
    datetime: st.datetimes(timezones=st.just(UTC)),
    type(None): st.none(),
}


@cache
def values_of(kind: Any) -> st.SearchStrategy[Any]:
    if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
        return st.deferred(lambda: _struct(kind))
    if kind in PLAIN:
        return PLAIN[kind]
    return GENERIC[get_origin(kind)](get_args(kind))


@cache
def _struct(kind: type[msgspec.Struct]) -> st.SearchStrategy[Any]:
    fields = {field.name: values_of(field.type) for field in msgspec.structs.fields(kind)}
    return st.fixed_dictionaries(fields).map(lambda values: kind(**values))


def _tuple(args: tuple[Any, ...]) -> st.SearchStrategy[Any]:
    """Of any length where the type says `…`, else of that very one."""
    if args[-1] is Ellipsis:
        return st.lists(values_of(args[0]), max_size=2).map(tuple)
    return st.tuples(*map(values_of, args))


GENERIC: dict[Any, Callable[[tuple[Any, ...]], st.SearchStrategy[Any]]] = {
    tuple: _tuple,
    dict: lambda args: st.dictionaries(TEXT, values_of(args[1]), max_size=2),
    frozenset: lambda args: st.frozensets(values_of(args[0]), max_size=2),
    Annotated: lambda args: values_of(args[0]),
    Literal: st.sampled_from,
    Union: lambda args: st.one_of([values_of(each) for each in args]),
    UnionType: lambda args: st.one_of([values_of(each) for each in args]),
}
