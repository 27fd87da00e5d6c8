import pytest
from hypothesis import given
from hypothesis import strategies as st

from backends.types import Tokens
from backends.upstream.throughput import LONG_PROMPT, TYPICAL_OUTPUT, ThroughputEstimator


def test_nothing_is_known_before_the_first_call() -> None:
    throughput = ThroughputEstimator()
    assert throughput.tokens_per_s is None
    assert throughput.first_token_s is None
    assert throughput.latency_s(output=10, wait_s=0.0) is None
    assert throughput.wait_s(waiting=1, in_flight=2, parallel=2) is None
    assert throughput.expected_output("research", 4096) == TYPICAL_OUTPUT


def test_a_free_place_is_no_wait_even_before_anything_was_measured() -> None:
    assert ThroughputEstimator().wait_s(waiting=0, in_flight=1, parallel=2) == 0.0


def test_latency_is_wait_and_first_token_and_the_rest_at_the_measured_rate() -> None:
    throughput = ThroughputEstimator()
    throughput.record(intent="chat", output=100, first_token_s=0.5, total_s=2.5)
    assert throughput.tokens_per_s == pytest.approx(50)
    assert throughput.latency_s(output=200, wait_s=1.0) == pytest.approx(1.0 + 0.5 + 4.0)


def test_the_queue_ahead_is_served_by_all_places() -> None:
    throughput = ThroughputEstimator()
    throughput.record(intent="chat", output=100, first_token_s=0.5, total_s=4.0)
    assert throughput.wait_s(waiting=3, in_flight=2, parallel=2) == pytest.approx(8.0)


def test_an_intent_is_expected_to_answer_as_long_as_it_did_and_never_above_the_cap() -> None:
    throughput = ThroughputEstimator()
    for _ in range(50):
        throughput.record(intent="health-check", output=20, first_token_s=None, total_s=1.0)
    assert throughput.expected_output("health-check", 4096) == 20
    assert throughput.expected_output("health-check", 8) == 8
    assert throughput.expected_output("research", 4096) == TYPICAL_OUTPUT


def test_a_longer_prompt_takes_longer_to_its_first_token() -> None:
    throughput = ThroughputEstimator()
    for tokens in (100, 2000, 500, 4000, 1000) * 4:
        throughput.record(intent="chat", output=50, first_token_s=0.2 + tokens / 1000, total_s=9.0, fresh_input=tokens)
    assert throughput.first_token(3000) == pytest.approx(3.2, abs=0.01)
    assert throughput.first_token(0) == pytest.approx(0.2, abs=0.01)


def test_prompts_of_one_length_tell_nothing_of_how_length_counts_nor_do_longer_ones_that_were_faster() -> None:
    same, odd = ThroughputEstimator(), ThroughputEstimator()
    for _ in range(5):
        same.record(intent="chat", output=50, first_token_s=0.5, total_s=2.0, fresh_input=300)
    for tokens, seconds in ((100, 2.0), (1000, 0.1)) * 5:
        odd.record(intent="chat", output=50, first_token_s=seconds, total_s=4.0, fresh_input=tokens)
    assert same.first_token(9000) == 0.5
    assert odd.first_token(9000) == odd.first_token(10)
    assert ThroughputEstimator().first_token(10) is None


def test_no_call_is_expected_to_be_shorter_than_those_that_run() -> None:
    throughput = ThroughputEstimator()
    assert throughput.wait_s(waiting=1, in_flight=1, parallel=1, running_s=3.0) == 6.0
    throughput.record(intent="chat", output=100, first_token_s=0.5, total_s=1.0)
    assert throughput.wait_s(waiting=1, in_flight=1, parallel=1, running_s=3.0) == 6.0
    assert throughput.wait_s(waiting=1, in_flight=1, parallel=1, running_s=0.1) == 2.0


def test_old_measurements_fade() -> None:
    throughput = ThroughputEstimator()
    throughput.record(intent="chat", output=100, first_token_s=1.0, total_s=2.0)
    for _ in range(100):
        throughput.record(intent="chat", output=100, first_token_s=0.1, total_s=2.1)
    assert throughput.first_token_s == pytest.approx(0.1, abs=0.01)


def test_an_answer_in_one_piece_says_nothing_of_the_rate() -> None:
    throughput = ThroughputEstimator()
    throughput.record(intent="tool-use", output=500, first_token_s=1.0, total_s=1.01)
    assert throughput.tokens_per_s is None
    assert throughput.first_token_s == 1.0


def read(throughput: ThroughputEstimator, tokens: int, seconds: float, *, cached: int = 0, warm: bool = False) -> int:
    """The server says that it read a prompt in this time; how much of it counts as read anew."""
    return throughput.prefill.learn(Tokens(input=tokens, cached_input=cached), seconds, warm=warm)


def test_prefill_is_tokens_over_the_servers_own_rate_plus_what_else_a_first_token_takes() -> None:
    throughput = ThroughputEstimator()
    assert read(throughput, 4_000, 8.0) == 4_000
    throughput.record(intent="chat", output=9, first_token_s=13.0, total_s=14.0, prefill_s=8.0, load_s=4.5)
    assert throughput.first_token(10_000) == pytest.approx(20.5)
    assert throughput.first_token(0) == pytest.approx(0.5)


def test_what_a_cache_held_is_not_taken_for_speed() -> None:
    throughput = ThroughputEstimator()
    read(throughput, 4_000, 8.0)
    for _ in range(50):
        assert read(throughput, 5_000, 1.0, warm=True) == 500
        assert read(throughput, 5_000, 1.0, cached=4_500) == 500
    assert throughput.first_token(1_000) == pytest.approx(2.0)
    assert read(throughput, 100, 0.001) == 100
    assert throughput.first_token(1_000) == pytest.approx(2.0)


def test_a_slower_machine_shows_at_once_and_a_faster_one_after_a_while() -> None:
    throughput = ThroughputEstimator()
    read(throughput, 4_000, 4.0)
    read(throughput, 4_000, 80.0)
    assert throughput.first_token(1_000) == pytest.approx(20.0)
    for _ in range(150):
        read(throughput, 4_000, 4.0)
    assert throughput.first_token(1_000) == pytest.approx(1.0, rel=0.1)


@given(
    st.lists(st.tuples(st.integers(0, 10**6), st.floats(0, 1e4), st.integers(0, 10**6), st.booleans()), max_size=20),
    st.integers(0, 10**6),
)
def test_an_expected_prefill_grows_with_the_prompt(seen: list[tuple[int, float, int, bool]], tokens: int) -> None:
    throughput = ThroughputEstimator()
    for given_tokens, seconds, cached, warm in seen:
        fresh = read(throughput, given_tokens, seconds, cached=min(cached, given_tokens), warm=warm)
        assert 0 <= fresh <= given_tokens
    first, second = throughput.first_token(tokens), throughput.first_token(tokens + 1_000)
    assert (first is None and second is None) or 0 <= (first or 0) < (second or 0)


def test_a_long_wait_is_explained_by_what_the_server_has_to_read() -> None:
    throughput = ThroughputEstimator()
    assert throughput.explains(120.0, LONG_PROMPT)
    assert not throughput.explains(120.0, LONG_PROMPT - 1)
    read(throughput, 1_000, 10.0)
    assert throughput.explains(120.0, 12_000)
    assert not throughput.explains(120.0, 11_000)
