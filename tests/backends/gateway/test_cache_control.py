import pytest

from backends.gateway.cache_control import Wishes, wishes


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ("", Wishes(cache=True, refresh=False)),
        ("no-cache", Wishes(cache=True, refresh=True)),
        ("max-age=0", Wishes(cache=True, refresh=True)),
        ("private, No-Store", Wishes(cache=False, refresh=False)),
        ("no-store,no-cache", Wishes(cache=False, refresh=True)),
        ("max-age=60, no-transform, nostore", Wishes(cache=True, refresh=False)),
    ],
)
def test_what_a_caller_asks_of_the_cache(said: str, expected: Wishes) -> None:
    assert wishes(said) == expected
