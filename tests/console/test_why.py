"""The evidence of an answer that was checked: which check spoke, what was called for it, and how it is marked."""

from decimal import Decimal

from msgspec.structs import replace

from backends.types import Attempt, Exchange, Reason
from console.overlays.why import why
from tests.console.scene_exchanges import CLOUD_MODEL, LOCAL_MODEL, exchanges


def checked(*attempts: Attempt, note: str, detail: str) -> Exchange:
    """The scene's first answer, as if its local attempt had failed a check."""
    first = next(each for each in exchanges() if each.outcome is not None)
    assert first.outcome is not None
    reason = Reason(rule="verify", detail=detail)
    explanation = replace(first.explanation, reasons=(reason, *first.explanation.reasons))
    return replace(
        first, explanation=explanation, outcome=replace(first.outcome, attempts=attempts, notes=(note,), error=None)
    )


def drawn(exchange: Exchange) -> str:
    return "\n".join("".join(span.text for span in row) for row in why(exchange, 100))


def test_an_escalated_answer_says_which_check_failed_and_what_was_called() -> None:
    local = Attempt(engine="local", zone="local", model=LOCAL_MODEL)
    text = drawn(
        checked(
            local,
            replace(local, role="verification"),
            Attempt(engine="cloud", zone="cloud", model=CLOUD_MODEL),
            note="escalated: a second sample disagrees",
            detail="a second sample disagrees",
        )
    )
    assert "because     verify: a second sample disagrees" in text
    assert "notes       escalated: a second sample disagrees" in text
    assert text.count(": answered") == 2
    assert f"{LOCAL_MODEL} 0: second sample, to check the first" in text


def test_an_unverified_answer_says_so() -> None:
    text = drawn(
        checked(
            Attempt(engine="local", zone="local", model=LOCAL_MODEL),
            note="unverified: not valid JSON (cloud: budget)",
            detail="unverified, cloud: budget",
        )
    )
    assert "notes       unverified: not valid JSON (cloud: budget)" in text


def test_what_a_request_is_made_of_and_why_it_was_refused() -> None:
    first = exchanges()[0]
    parts = {"system": 47_775, "tools": 8_914, "ask": 16}
    explanation = replace(
        first.explanation, ask="what time\nis it?", envelope=parts, session="tuesday", status=402, error="spent"
    )
    text = drawn(replace(first, explanation=explanation))
    assert "refused     402: spent" in text
    assert "ask         what time is it?" in text
    assert "envelope    system 47,775, tools 8,914, ask 16 characters" in text
    assert "session     tuesday" in text


def test_a_request_of_an_earlier_core_still_has_its_session_and_its_run() -> None:
    told = exchanges()[-3]
    assert told.outcome is not None
    outcome = replace(told.outcome, session="s-1", run="nightly", cached_baseline_usd=Decimal("0.0009"))
    shown = drawn(replace(told, outcome=outcome))
    assert "session     s-1" in shown
    assert "run         nightly" in shown
    assert "all-cloud   $0.0021, saved 0; with its prefix cache $0.0009, saved -$0.0012" in shown
