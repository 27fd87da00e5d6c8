"""A password in a sentence is found wherever it is cut in two messages, if its noun stands whole in the first."""

import random

from hypothesis import given, settings
from hypothesis import strategies as st

from backends.privacy import PrivacyGate
from backends.settings.privacy import Privacy
from backends.types import Message, Request
from benchmarks.evaluation.privacy_values import filled

GATE = PrivacyGate(Privacy())
BEFORE = (
    "the password for the router is ",
    "das Passwort lautet ",
    "hasło to ",
    "heslo je ",
    "parola este ",
    "пароль: ",
    "η λέξη κωδικός είναι ",
    "mật khẩu là ",
    "kata sandi adalah ",
    "salasana on ",
    "lösenordet är ",
    "passordet er ",
    "كلمة المرور هي ",
    "הסיסמה היא ",
)


@settings(max_examples=150, deadline=None)
@given(before=st.sampled_from(BEFORE), seed=st.integers(0, 10_000), data=st.data())
def test_a_cut_between_two_messages_hides_no_password(before: str, seed: int, data: st.DataObject) -> None:
    text = before + filled("‹pw:words›", random.Random(seed))
    cut = data.draw(st.integers(len(before) - 1, len(text) - 1))
    messages = tuple(Message(role="user", text=part) for part in (text[:cut], text[cut:]))
    assert GATE.inspect(Request(id="r", messages=messages), agent_sensitive=False).sensitive
