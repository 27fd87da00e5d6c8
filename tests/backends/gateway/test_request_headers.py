import pytest

from backends.gateway.request_headers import CacheControl, cache_control


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("", CacheControl(cache=True, refresh=False)),
        ("no-cache", CacheControl(cache=True, refresh=True)),
        ("max-age=0", CacheControl(cache=True, refresh=True)),
        ("private, No-Store", CacheControl(cache=False, refresh=False)),
        ("no-store,no-cache", CacheControl(cache=False, refresh=True)),
        ("max-age=60, no-transform, nostore", CacheControl(cache=True, refresh=False)),
    ],
)
def test_cache_control_decides_whether_an_answer_is_looked_up_and_stored(header: str, expected: CacheControl) -> None:
    assert cache_control(header) == expected
