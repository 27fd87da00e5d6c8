"""One pass over a text's words tells which stems stand in it, as a search for each of them would."""

import threading

from hypothesis import given
from hypothesis import strategies as st

from backends.privacy.text_window import TextWindow
from backends.privacy.word_stems import WORDS, StemSearch

stems = st.lists(
    st.text(alphabet="abcdé密- (é1_", min_size=1, max_size=6).map(str.lower), min_size=1, max_size=8, unique=True
).map(tuple)
texts = st.text(alphabet="aAbBcCdDéÉ密- (1_\nİ", max_size=80)


@given(stems, stems, texts)
def test_stems_are_found_as_plain_searches_find_them(some: tuple[str, ...], others: tuple[str, ...], text: str) -> None:
    window = TextWindow(text)
    for wanted in (some, frozenset(others), some):
        assert window.has_any(wanted) is any(stem in window.lowered for stem in wanted)
        places = [at for stem in wanted for at in range(len(text)) if window.lowered.startswith(stem, at)]
        assert sorted(window.places(wanted)) == sorted(places)


def test_a_stem_that_another_begins_with_is_found_with_it() -> None:
    window = TextWindow("my Passwords")
    assert window.has_any(("pass",)) and window.has_any(("password",)) and window.has_any(("words",))
    assert not window.has_any(("passport",))


def test_more_words_than_are_remembered_are_told_apart() -> None:
    search = StemSearch()
    wanted = search.wanted(("zed",))
    for first in range(3):
        text = " ".join(f"{number:x}".translate(str.maketrans("0123456789", "ghijklmnop")) for number in range(WORDS))
        assert not wanted.any_in(text, search.table.present(text))
        assert wanted.any_in(f"{text} xzedx{first}", search.table.present(f"{text} xzedx{first}"))


def test_threads_that_ask_for_other_stems_do_not_disturb_each_other() -> None:
    search, wrong = StemSearch(), list[str]()

    def ask(number: int) -> None:
        for turn in range(50):
            stem = f"stem{'abcdefgh'[number]}{'abcdefghij'[turn % 10]}{'abcde'[turn // 10]}"
            wanted = search.wanted((stem,))
            for text in (f"a {stem} b", "nothing"):
                if wanted.any_in(text, search.table.present(text)) is not (stem in text):
                    wrong.append(stem)

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []
