"""A pattern that is searched for only around its stems finds what it finds in the whole text."""

import pytest

from backends.privacy.detectors import command_passwords, login_passwords, password_files
from backends.privacy.detectors.login_forms import LoginForm
from backends.privacy.text_window import TextWindow
from benchmarks.evaluation.privacy import FOLDER, examples

TEXTS = [
    "\n".join(each.text for each in examples(path.stem, seed))
    for path in sorted(FOLDER.glob("*.txt"))
    for seed in (1, 2)
]


@pytest.mark.parametrize(
    "form",
    [
        form
        for module in (command_passwords, login_passwords, password_files)
        for form in module.FORMS
        if form.before is not None
    ],
    ids=lambda form: next(iter(form.stems)).strip(),
)
def test_a_login_lies_around_its_stems(form: LoginForm) -> None:
    found = 0
    for text in TEXTS:
        whole = [match.span() for match in form.pattern.finditer(text)]
        assert [match.span() for match in form.matches(TextWindow(text))] == whole
        found += len(whole)
    assert found > 0
