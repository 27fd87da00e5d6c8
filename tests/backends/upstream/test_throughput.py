import pytest

from backends.upstream.throughput import TYPICAL_OUTPUT, ThroughputEstimator


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
