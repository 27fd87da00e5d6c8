import pytest

from backends.gateway.request_headers import (
    CacheControl,
    HeaderText,
    cache_control,
    session_of,
    user_agent,
)


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


def header_of(headers: dict[bytes, str]) -> HeaderText:
    return headers.get


@pytest.mark.parametrize(
    ("headers", "in_body", "name"),
    [
        ({}, "", ""),
        ({}, "cache-key-1", "cache-key-1"),
        ({b"x-claw-session": "mine", b"x-session-id": "theirs"}, "cache-key-1", "mine"),
        ({b"x-session-id": "ses_1", b"x-session-affinity": "ses_2"}, "", "ses_1"),
        ({b"x-session-affinity": "ses_2"}, "cache-key-1", "ses_2"),
        ({b"x-claude-code-session-id": "5e551011-aaaa"}, "", "5e551011-aaaa"),
        ({b"session-id": "0199", b"thread-id": "0200"}, "", "0199"),
        ({b"thread-id": "0200"}, "", "0200"),
        ({b"x-session-id": ""}, "agent:writer:main", "agent:writer:main"),
    ],
)
def test_the_first_header_that_names_a_session_goes_before_the_body(
    headers: dict[bytes, str], in_body: str, name: str
) -> None:
    assert session_of(header_of(headers), in_body) == name


def test_a_user_agent_is_bounded_and_printable() -> None:
    assert user_agent(header_of({})) == ""
    assert user_agent(header_of({b"user-agent": "pi/0.73\x1b[2J\xe9" + "x" * 500})) == "pi/0.73?[2J?" + "x" * 188
