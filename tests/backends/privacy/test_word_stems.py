"""One pass over a text's words tells which stems stand in it, as a search for each of them would."""

import threading

from hypothesis import given
from hypothesis import strategies as st

from backends.privacy.text_window import TextWindow
from backends.privacy.word_stems import WORDS, Stems

stems = st.lists(
    st.text(alphabet="abcdé密- (é1_", min_size=1, max_size=6).map(str.lower), min_size=1, max_size=8, unique=True
)
texts = st.text(alphabet="aAbBcCdDéÉ密- (1_\nİ", max_size=80)


@given(stems, stems, texts)
def test_stems_are_found_as_plain_searches_find_them(some: list[str], others: list[str], text: str) -> None:
    window = TextWindow(text)
    for wanted in (some, others, some):
        made = Stems(*wanted)
        assert window.has_any(made) is any(stem in window.lowered for stem in wanted)
        places = [at for stem in wanted for at in range(len(text)) if window.lowered.startswith(stem, at)]
        assert sorted(window.places(made)) == sorted(places)


def test_a_stem_that_another_begins_with_is_found_with_it() -> None:
    window = TextWindow("my Passwords")
    assert all(window.has_any(Stems(stem)) for stem in ("pass", "password", "words", "swo"))
    assert not window.has_any(Stems("passport"))


def test_more_words_than_are_remembered_are_told_apart() -> None:
    wanted = Stems("zed")
    for turn in range(3):
        text = " ".join(f"{number:x}".translate(str.maketrans("0123456789", "ghijklmnop")) for number in range(WORDS))
        assert not TextWindow(text).has_any(wanted)
        assert TextWindow(f"{text} xzedx{turn}").has_any(wanted)


def test_threads_that_make_stems_while_others_read_do_not_disturb_each_other() -> None:
    wrong: list[str] = []

    def ask(number: int) -> None:
        for turn in range(20):
            stem = f"stem{'abcdefgh'[number]}{'abcdefghij'[turn % 10]}{'ab'[turn // 10]}"
            made = Stems(stem)
            if not TextWindow(f"a {stem} b").has_any(made) or TextWindow("nothing").has_any(made):
                wrong.append(stem)

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []
