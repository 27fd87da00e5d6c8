from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from backends.types import Message, Request, Tool
from backends.upstream.prefix_cache import FIRST_SHARE, PrefixMemory, lengths, prefixes, session_key

texts = st.lists(st.text(max_size=20), min_size=1, max_size=6)


def request(*said: str, tools: tuple[Tool, ...] = ()) -> Request:
    messages = tuple(
        Message(role="user" if index % 2 == 0 else "assistant", text=text) for index, text in enumerate(said)
    )
    return Request(id="r", messages=messages, tools=tools)


class Time:
    now = 100.0

    def __call__(self) -> float:
        return self.now


@given(texts, texts)
def test_a_longer_history_begins_as_the_shorter_one(some: list[str], more: list[str]) -> None:
    short, long = prefixes(request(*some)), prefixes(request(*some, *more))
    assert long[: len(short)] == short
    assert len(long) == len(some) + len(more)


@given(texts, st.integers(0, 5), st.text(max_size=20))
def test_another_word_or_another_tool_is_another_beginning(some: list[str], at: int, word: str) -> None:
    place = at % len(some)
    other = [*some[:place], some[place] + "x" + word, *some[place + 1 :]]
    assert prefixes(request(*some))[place:] != prefixes(request(*other))[place:]
    assert prefixes(request(*some))[:place] == prefixes(request(*other))[:place]
    assert prefixes(request(*some, tools=(Tool(name="t"),)))[0] != prefixes(request(*some))[0]


def test_the_longest_beginning_that_was_read_is_found() -> None:
    memory = PrefixMemory(Time(), size=10, seconds=60)
    first, second = prefixes(request("a")), prefixes(request("a", "b", "c"))
    memory.read("m", first, tokens=2_000, replica=0)
    memory.read("m", second, tokens=3_000, replica=1)
    found = memory.find("m", prefixes(request("a", "b", "c", "d", "e")))
    assert found is not None
    assert (found.tokens, found.replica) == (3_000, 1)
    assert memory.find("another model", second) is None
    assert memory.find("m", prefixes(request("b"))) is None


def test_what_was_read_long_ago_is_gone() -> None:
    time = Time()
    memory = PrefixMemory(time, size=10, seconds=60)
    chain = prefixes(request("a"))
    memory.read("m", chain, tokens=2_000, replica=0)
    time.now += 61
    assert memory.find("m", chain) is None


def test_only_the_last_prompts_are_kept() -> None:
    memory = PrefixMemory(Time(), size=2, seconds=60)
    chains = [prefixes(request(word)) for word in "abc"]
    for chain in chains:
        memory.read("m", chain, tokens=2_000, replica=0)
    assert [memory.find("m", chain) is not None for chain in chains] == [False, True, True]


def test_how_much_is_billed_as_cached_is_learned() -> None:
    memory = PrefixMemory(Time(), size=2, seconds=60)
    chain = prefixes(request("a"))
    memory.read("m", chain, tokens=10_000, replica=0)
    found = memory.find("m", chain)
    assert memory.expected_tokens(found) == round(10_000 * FIRST_SHARE)
    for _ in range(30):
        memory.learn(found, 9_800)
    assert 9_700 < memory.expected_tokens(found) <= 9_800
    for _ in range(30):
        memory.learn(found, 0)
    assert memory.expected_tokens(found) < 100


def test_a_session_whose_prompts_are_cached_less_is_told_from_the_others() -> None:
    memory = PrefixMemory(Time(), size=2, seconds=60)
    chain = prefixes(request("a"))
    memory.read("m", chain, tokens=10_000, replica=0)
    found = memory.find("m", chain)
    for _ in range(20):
        memory.learn(found, 9_000, "writer")
        memory.learn(found, 0, "scout")
    assert memory.expected_tokens(found, "scout") < 100
    assert 8_900 < memory.expected_tokens(found, "writer") <= 9_000
    assert memory.expected_tokens(found, "another") == memory.expected_tokens(found)
    assert 100 < memory.expected_tokens(found) < 8_900


def test_shares_are_kept_of_the_last_sessions_only() -> None:
    memory = PrefixMemory(Time(), size=2, seconds=60, sessions=2)
    chain = prefixes(request("a"))
    memory.read("m", chain, tokens=10_000, replica=0)
    found = memory.find("m", chain)
    for name in ("one", "two", "three"):
        memory.learn(found, 0, name)
    assert memory.expected_tokens(found, "one") == memory.expected_tokens(found)
    assert memory.expected_tokens(found, "two") != memory.expected_tokens(found)


def test_two_agents_of_one_session_are_two_conversations() -> None:
    one = replace(request("a"), session="s")
    assert session_key(one) != session_key(replace(one, agent="scout"))
    assert session_key(one) == session_key(replace(one, id="other"))


def test_a_prompt_is_known_by_its_beginning_where_its_end_was_replaced() -> None:
    """An agent's program puts a block of its own last, and in the next turn behind the newest message."""
    memory = PrefixMemory(Time(), size=10, seconds=60)
    first, second = request("x" * 6_000, "y" * 2_000, "b" * 2_000), request("x" * 6_000, "y" * 2_000, "z", "b" * 2_000)
    memory.read("m", prefixes(first), tokens=5_000, replica=1, lengths=lengths(first))
    found = memory.find("m", prefixes(second))
    assert found is not None
    assert (found.tokens, found.replica, found.messages, found.counted) == (4_000, 1, 2, False)
    other = memory.find("m", prefixes(request("x" * 6_000, "other")))
    assert other is not None
    assert other.tokens == 3_000


@given(st.lists(texts, min_size=1, max_size=30))
def test_the_last_prompt_is_found_however_many_there_were(prompts: list[list[str]]) -> None:
    memory = PrefixMemory(Time(), size=2, seconds=60)
    for said in prompts:
        memory.read("m", prefixes(request(*said)), tokens=2_000, replica=0, lengths=lengths(request(*said)))
    found = memory.find("m", prefixes(request(*prompts[-1], "more")))
    assert found is not None
    assert found.messages == len(prompts[-1])


def test_short_prompts_are_not_cached_by_providers() -> None:
    memory = PrefixMemory(Time(), size=2, seconds=60)
    chain = prefixes(replace(request("a"), id="other"))
    memory.read("m", chain, tokens=900, replica=0)
    assert memory.expected_tokens(memory.find("m", chain)) == 0
