"""A pattern that is searched for only around its stems finds what it finds in the whole text."""

import re

import pytest

from backends.privacy.detectors.login_passwords import FORMS, LoginForm
from backends.privacy.text_window import TextWindow
from benchmarks.evaluation.privacy import FOLDER, examples

TEXTS = [
    "\n".join(each.text for each in examples(path.stem, seed))
    for path in sorted(FOLDER.glob("*.txt"))
    for seed in (1, 2)
]


def spans(pattern: re.Pattern[str], text: str, stretches: list[tuple[int, int]]) -> list[tuple[int, int]]:
    return [match.span() for start, end in stretches for match in pattern.finditer(text, start, end)]


@pytest.mark.parametrize(
    "form", [form for form in FORMS if form.reach is not None], ids=lambda form: next(iter(form.stems))
)
def test_a_login_lies_around_its_stems(form: LoginForm) -> None:
    found = 0
    for text in TEXTS:
        whole = spans(form.pattern, text, [(0, len(text))])
        assert spans(form.pattern, text, form.stretches(TextWindow(text))) == whole
        found += len(whole)
    assert found > 0
