"""A pattern that is searched for only around its stems, or around long runs, finds what it finds in the whole text."""

import re

import pytest

from backends.privacy.detectors.api_keys import KEY_SHAPES, NAMED, NAMED_REACH, RUN_OF_NAMED, RUN_OF_UNLISTED, UNLISTED
from backends.privacy.detectors.login_passwords import FORMS, LoginForm
from backends.privacy.text_window import TextWindow
from benchmarks.evaluation.privacy import FOLDER, examples

KEYS = """
bot 8431975206:AAHk3Lp9Qz7Xw5Vb1Nm8Cr4Ty6Ui2Op0As, 9f8e7d6c-5b4a-4938-8271-60f5e4d3c2b1:fx and the rest
SK5f3a9c07e1b24d68a0c7f9e21b3d4c5a and q9W8e7R6t5Y4u3I2o1P0a9S8d7F6g5H4
client = Client( "q8Zr4Lw1Xt7Kd0Pm5Vb2Yn6Hs9Jf3Gc" ) acme-live_q8Zr4Lw1Xt7Kd0Pm5Vb2Yn6Hs9Jf3Gc
the service key of our staging cluster is q8Zr4Lw1Xt7Kd0Pm5Vb2Yn6Hs9Jf3Gc7 now
"""
TEXTS = [
    "\n".join(each.text for each in examples(path.stem, seed)) + KEYS
    for path in sorted(FOLDER.glob("*.txt"))
    for seed in (1, 2)
]


def spans(pattern: re.Pattern[str], text: str, stretches: list[tuple[int, int]]) -> list[tuple[int, int]]:
    return [match.span() for start, end in stretches for match in pattern.finditer(text, start, end)]


@pytest.mark.parametrize("form", [form for form in FORMS if form.reach is not None], ids=lambda form: form.stems[0])
def test_a_login_lies_around_its_stems(form: LoginForm) -> None:
    found = 0
    for text in TEXTS:
        whole = spans(form.pattern, text, [(0, len(text))])
        assert spans(form.pattern, text, form.stretches(TextWindow(text))) == whole
        found += len(whole)
    assert found > 0


def test_a_key_lies_around_a_long_run() -> None:
    reaches = [(shape.pattern, shape.run) for shape in KEY_SHAPES]
    reaches += [(UNLISTED, (RUN_OF_UNLISTED, 0, 0)), (NAMED, (RUN_OF_NAMED, NAMED_REACH, 1))]
    found = 0
    for pattern, run in reaches:
        for text in TEXTS:
            whole = spans(pattern, text, [(0, len(text))])
            assert spans(pattern, text, TextWindow(text).around_runs(*run)) == whole
            found += len(whole)
    assert found > 20
