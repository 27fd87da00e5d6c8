from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backends.cache.equivalence.guards import GUARDS, differing_sign, same_words, stopped_by
from backends.cache.equivalence.parsed_question import parse, stem

DIFFERENT = [
    ("number", "What does HTTP status 401 mean?", "What does HTTP status 403 mean?"),
    ("number", "Run the test with one hundred users.", "Run the test with one thousand users."),
    ("number", "What happened in 2024?", "What happened in 2025?"),
    ("number", "Keep the logs for 14 days.", "Keep the logs for 14 weeks."),
    ("number", "What changed on 2026-03-01?", "What changed on 2026-01-03?"),
    ("number", "Wake me at 3 am.", "Wake me at 3 pm."),
    ("number", "Upgrade it from 14 to 16.", "Upgrade it from 16 to 14."),
    ("number", "Rotate the logs weekly.", "Rotate the logs every day."),
    ("number", "What happened in AI this week?", "What happened in AI last week?"),
    ("number", "Show the entries since Monday.", "Show the entries since Tuesday."),
    ("number", "Which is the first step?", "Which is the second step?"),
    ("unit", "Report the cost in euros.", "Report the cost in dollars."),
    ("name", "Find flights to Delhi.", "Find flights to Mumbai."),
    ("name", "Compare Grafana with Kibana.", "Compare Grafana with Datadog."),
    ("negation", "Which services are running?", "Which services are not running?"),
    ("negation", "Is it safe to delete the cache?", "Is it unsafe to delete the cache?"),
    ("negation", "How do I turn on debug logging?", "How do I turn off debug logging?"),
    ("negation", "Which invoices are due before June?", "Which invoices are due after June?"),
    ("negation", "Encrypt the file.", "Decrypt the file."),
    ("negation", "Is it safe to delete it?", "Is it unsafe to keep it?"),
    ("quote", "What does `a <= b` return?", "What does `a >= b` return?"),
    ("quote", "What is 2 + 3?", "What is 2 - 3?"),
    ("code", "Explain read_file here.", "Explain write_file here."),
    ("code", "What does run() do?", "What does stop() do?"),
    ("language", "What is a load balancer?", "Was ist ein Load Balancer und wie geht das?"),
    ("language", "What is a load balancer?", "что такое балансировщик нагрузки"),
    ("language", "Explain a mutex.", "Explain a mutex in German."),
    ("negation", "Can I have a virtual card?", "Can I have a non virtual card?"),
    ("speech-act", "Is milk on my list?", "Please add milk to my list."),
    ("speech-act", "Milk should be added to my list.", "Can you check if milk is on my list?"),
    ("owner", "What is my name?", "What is your name?"),
    ("sequence", "Run the tests, then deploy.", "Deploy, then run the tests."),
    ("sequence", "Run the tests before you deploy.", "Deploy, and then run the tests."),
    ("negation", "After the backup, restart it.", "Restart it before the backup."),
    ("sequence", "Is Gemini cheaper than Qwen?", "Is Qwen cheaper than Gemini?"),
]

SIGNED = [
    ("junction", "Rows with red and blue", "Rows with red or blue"),
    ("kind", "When did the deploy fail?", "Why did the deploy fail?"),
    ("kind", "Explain the cron jobs.", "List the cron jobs."),
    ("tense", "What is the uptime?", "What was the uptime?"),
    ("scope", "Show incidents of any severity.", "Show incidents of all severities."),
    ("order", "Convert this JSON to YAML.", "Convert this YAML to JSON."),
    ("order", "Copy the file from staging.", "Copy the file to staging."),
    ("order", "Which libraries does our project depend on?", "Which projects depend on our library?"),
    ("wording", "Flush the cache.", "Flush the cache of the scout agent."),
    ("wording", "Restart nginx on the host.", "Restart redis on the host."),
    ("wording", "是什么", "为什么"),
    ("wording", "?", "!"),
]

SAME = [
    ("What is a mutex?", "Could you maybe explain to me what a mutex is, please?"),
    ("List the top 5 agents by spend.", "List the top five agents by spend."),
    ("What is the second step of the runbook?", "What is step 2 of the runbook?"),
    ("Keep the logs for 14 days.", "Keep the logs for two weeks."),
    ("Wake me at 3 pm.", "Wake me at 15:00."),
    ("What changed on 2026-03-01?", "What changed on 1 March 2026?"),
    ("Show latency in milliseconds.", "Show latency in ms."),
    ("Why can't I connect to Ollama?", "Why am I unable to connect to Ollama?"),
    ("How do I turn off debug logging?", "How do I disable debug logging?"),
    ("Explain how pods work in Kubernetes.", "Explain how pods work in k8s."),
    ("Run the tests before you deploy.", "Before you deploy, run the tests."),
    ("What is the hit rate of our cache?", "whats our cache hit rate"),
    ("Run the tests, then deploy.", "Before you deploy, run the tests."),
    ("Why won't the server accept my key?", "Why does the server reject my key?"),
    ("Rotate the logs weekly.", "Rotate the logs every 7 days."),
    ("Rotate the logs once a week.", "Rotate the logs each week."),
    ("Back it up at 2 am.", "Back it up at two in the morning."),
    ("What does `run` do?", "what does run do"),
    ("Is there 5k of it?", "Is there 5,000 of it?"),
    ("It lived 1909 - 1984.", "It lived 1909 -- 1984."),
    ("Enable two-factor login.", "Enable 2FA login."),
    ("What is the rate limit of the Google Gemini API?", "What is the rate limit of the Gemini API?"),
]


@pytest.mark.parametrize(("guard", "a", "b"), DIFFERENT)
def test_a_different_question_is_stopped(guard: str, a: str, b: str) -> None:
    assert stopped_by(a, b) == guard
    assert stopped_by(b, a) is not None


@pytest.mark.parametrize(("sign", "a", "b"), SIGNED)
def test_what_makes_a_hit_less_likely_has_a_name(sign: str, a: str, b: str) -> None:
    assert stopped_by(a, b) is None
    assert differing_sign(a, b) == sign
    assert differing_sign(b, a) is not None


@pytest.mark.parametrize(("a", "b"), SAME)
def test_the_same_question_passes(a: str, b: str) -> None:
    assert stopped_by(a, b) is None
    assert stopped_by(b, a) is None


@given(st.text(alphabet=st.characters(codec="ascii")))
def test_no_guard_separates_a_text_from_itself(text: str) -> None:
    parsed = parse(text)
    assert [name for name, differ in GUARDS if differ(parsed, parsed)] == []


@given(st.text(max_size=60), st.text(max_size=60))
def test_it_does_not_matter_which_came_first(a: str, b: str) -> None:
    assert (stopped_by(a, b) is None) == (stopped_by(b, a) is None)


@given(st.integers(0, 10_000), st.integers(0, 10_000))
def test_another_number_is_another_question(one: int, other: int) -> None:
    verdict = stopped_by(f"What is on port {one}?", f"Tell me what is on port {other}.")
    assert (verdict is None) == (one == other)


@pytest.mark.parametrize(
    ("word", "root"),
    [
        ("queries", "query"),
        ("running", "run"),
        ("boxes", "box"),
        ("status", "status"),
        ("logs", "log"),
        ("this", "this"),
    ],
)
def test_forms_of_a_word_share_a_stem(word: str, root: str) -> None:
    assert stem(word) == stem(root)


def test_long_texts_are_compared_without_looking_for_forms() -> None:
    a = " ".join(f"alpha{chr(97 + n % 26)}{chr(97 + n // 26)}ing" for n in range(200))
    assert differing_sign(a, a.replace("ing", "ed") + " omega") is not None
    assert stopped_by(a, a.replace("ing", "ed")) is None


@pytest.mark.parametrize(
    ("a", "b", "same"),
    [
        ("List the top 5 agents.", "list the top five agents", True),
        ("Maintenance at 3 pm", "Maintenance at 15:00", True),
        ("What was it on 2026-03-01?", "What was it on 1 March 2026?", True),
        ("Move 2 of 3", "Move 3 of 2", False),
        ("Move it", "Move that", False),
        ("", "", False),
    ],
)
def test_the_same_words_may_be_written_otherwise(a: str, b: str, same: bool) -> None:
    assert same_words(parse(a), parse(b)) is same


WORDS = ("ports", "agents", "logs", "tokens of the cache", "the nightly build", "the ledger's rows")
UNITS = ("seconds", "minutes", "MB", "GB", "percent", "euros", "km")


@given(st.sampled_from(WORDS), st.integers(2, 999), st.sampled_from(UNITS), st.sampled_from(UNITS))
def test_another_unit_is_another_question(what: str, count: int, unit: str, other: str) -> None:
    verdict = stopped_by(f"Keep {what} below {count} {unit}.", f"Keep {what} below {count} {other}.")
    assert (verdict is None) == (unit == other)


@given(st.sampled_from(WORDS), st.dates(), st.dates())
def test_another_date_is_another_question_and_one_date_has_many_forms(what: str, one: date, other: date) -> None:
    asked = f"Show {what} on {one.isoformat()}."
    spelled = f"Show {what} on {other.day} {other:%B} {other.year:04d}."
    assert (stopped_by(asked, spelled) is None) == (one == other)


@given(st.sampled_from(WORDS), st.integers(1, 23))
def test_an_hour_has_many_forms(what: str, hour: int) -> None:
    twelve = f"{hour % 12 or 12} {'am' if hour < 12 else 'pm'}"
    assert stopped_by(f"Check {what} at {hour}:00.", f"Check {what} at {twelve}.") is None
    assert stopped_by(f"Check {what} at {hour}:00.", f"Check {what} at {hour - 1}:00.") == "number"


@given(st.sampled_from(WORDS), st.sampled_from(("How many {} are there?", "Which of {} failed?", "Is {} safe to use?")))
def test_a_denied_question_is_another(what: str, frame: str) -> None:
    asked = frame.format(what)
    first, rest = asked.rsplit(" ", 1)
    assert stopped_by(asked, f"{first} not {rest}") == "negation"


@given(st.text(alphabet="per each second week a one first last 12", max_size=40))
def test_no_number_separates_a_run_of_number_words_from_itself(text: str) -> None:
    assert stopped_by(f"{text}.", text) is None
