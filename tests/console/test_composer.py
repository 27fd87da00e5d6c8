import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule
from rich.cells import cell_len

from console.widgets.composer import QUIET_S, ROWS_MAX, Composer, KeyResult
from console.widgets.draft import PASTE_SHOWN_MAX, Draft
from tests.backends.text.test_terminal_safe import ANY, assert_drawable
from tests.console.hostile_text import HOSTILE

WIDTH = 40
APART = 0.1
EDITING_KEYS = (
    *("left", "right", "up", "down", "home", "end", "ctrl+left", "ctrl+right"),
    *("backspace", "delete", "ctrl+w", "ctrl+u", "ctrl+k", "ctrl+y", "ctrl+j"),
)


class Keyboard:
    """Presses keys at a composer, apart like a hand or together like a paste."""

    def __init__(self, *earlier: str) -> None:
        self.composer = Composer(earlier)
        self.now = 100.0

    def press(self, *keys: str, apart: float = APART) -> KeyResult:
        result = KeyResult(handled=False, pasted=False)
        for key in keys:
            self.now += apart
            result = self.composer.key(key, key if len(key) == 1 else None, self.now, WIDTH)
        return result

    def type(self, text: str) -> None:
        self.press(*text)

    def feed(self, text: str) -> None:
        self.press(*("enter" if letter == "\n" else letter for letter in text), apart=0.0001)

    def rest(self) -> object:
        self.now += APART
        return self.composer.due(self.now)

    @property
    def text(self) -> str:
        return self.composer.draft.content


def shown(composer: Composer, width: int = WIDTH, height: int = 5) -> list[str]:
    return ["".join(span.text for span in row).rstrip() for row in composer.rows(width, height, focused=True)]


@pytest.mark.parametrize(
    ("keys", "text", "cursor"),
    [
        (["left", "x"], "one two\nthrexe", 13),
        (["home", "x"], "one two\nxthree", 9),
        (["ctrl+a", "left", "end", "x"], "one twox\nthree", 8),
        (["ctrl+left", "ctrl+left", "x"], "one xtwo\nthree", 5),
        (["up", "ctrl+right", "x"], "one twox\nthree", 8),
        (["backspace", "backspace"], "one two\nthr", 11),
        (["home", "delete"], "one two\nhree", 8),
        (["home", "backspace"], "one twothree", 7),
        (["ctrl+w"], "one two\n", 8),
        (["ctrl+w", "ctrl+w"], "one ", 4),
        (["ctrl+u", "up", "ctrl+y"], "threeone two\n", 5),
        (["up", "ctrl+k", "ctrl+k"], "one tthree", 5),
        (["up", "x"], "one txwo\nthree", 6),
        (["up", "down", "x"], "one two\nthreex", 14),
        (["ctrl+j", "x"], "one two\nthree\nx", 15),
        (["left"] * 99 + ["x"], "xone two\nthree", 1),
    ],
)
def test_what_a_key_does(keys: list[str], text: str, cursor: int) -> None:
    keyboard = Keyboard()
    keyboard.composer.paste("one two\nthree", 1.0)
    keyboard.press(*keys)
    assert (keyboard.text, keyboard.composer.draft.cursor) == (text, cursor)


def test_enter_is_done_after_a_quiet_moment_and_once() -> None:
    keyboard = Keyboard()
    keyboard.type("hello")
    assert keyboard.press("enter").waits
    assert keyboard.composer.due(keyboard.now + QUIET_S / 2) is None
    assert keyboard.composer.due(keyboard.now + QUIET_S) == "send"
    assert keyboard.composer.due(keyboard.now + 9) is None
    assert keyboard.composer.submit() == "hello"
    assert keyboard.text == ""


@pytest.mark.parametrize("text", ["rm -rf /\n", "y\ny\n", "\ny", "\n\n\n", "one\ntwo\nthree"])
@pytest.mark.proves("S33")
def test_a_pasted_enter_never_sends(text: str) -> None:
    keyboard = Keyboard()
    keyboard.type("typed")
    keyboard.now += APART
    keyboard.feed(text)
    assert keyboard.rest() in ((None, "send") if text == "\n" else (None,))
    assert keyboard.text == "typed" + text


def test_a_lone_enter_that_opens_a_paste_becomes_a_line() -> None:
    keyboard = Keyboard()
    keyboard.type("typed")
    assert keyboard.press("enter").waits
    assert keyboard.press("y", apart=0.001).became_new_line
    assert keyboard.rest() is None
    assert keyboard.text == "typed\ny"


@pytest.mark.parametrize(
    "key",
    [
        *("ctrl+r", "ctrl+n", "ctrl+l", "ctrl+s", "ctrl+t", "ctrl+g", "ctrl+o", "alt+t", "ctrl+x", "escape"),
        *(f"alt+{key}" for key in ("c", "s", "p", "a", "e", "x", "r", "left", "right")),
    ],
)
@pytest.mark.proves("S33")
def test_a_pasted_key_runs_no_command(key: str) -> None:
    keyboard = Keyboard()
    keyboard.press("a")
    assert not keyboard.press(key, apart=0.001).waits
    assert keyboard.rest() is None
    assert keyboard.press(key).waits
    keyboard.press("b", apart=0.001)
    assert keyboard.rest() is None
    assert keyboard.text == "ab"


def test_a_pasted_tab_is_text_and_a_typed_one_completes() -> None:
    keyboard = Keyboard()
    keyboard.press("a")
    keyboard.press("tab", apart=0.001)
    keyboard.press("tab")
    keyboard.press("b", apart=0.001)
    assert keyboard.rest() is None
    assert keyboard.text == "a\t\tb"
    assert keyboard.press("tab").waits
    assert keyboard.rest() == "complete"


@pytest.mark.proves("S33")
def test_a_paste_never_sends_and_stops_what_waited() -> None:
    keyboard = Keyboard()
    keyboard.type("a")
    keyboard.press("enter")
    keyboard.composer.paste("b\nc\n", keyboard.now + 0.001)
    assert keyboard.rest() is None
    assert keyboard.text == "a\nb\nc\n"


def test_an_enter_glued_to_a_paste_is_a_line() -> None:
    keyboard = Keyboard()
    keyboard.composer.paste("b", keyboard.now)
    assert keyboard.press("enter", apart=0.001).became_new_line
    assert keyboard.rest() is None
    assert keyboard.text == "b\n"


def test_a_long_paste_stands_as_its_size_and_goes_in_full() -> None:
    paste = "some line of text\n" * 300_000
    keyboard = Keyboard()
    keyboard.type("see:")
    keyboard.composer.paste(paste, keyboard.now + 1)
    assert shown(keyboard.composer) == ["❯ see:⟦5.1 MB pasted, 300,001 lines⟧"]
    assert keyboard.composer.draft.bytes == len(paste) + 4
    assert keyboard.text == "see:" + paste
    keyboard.now += 2
    keyboard.press("backspace")
    assert keyboard.text == "see:"


def test_cut_and_put_back_keeps_a_long_paste() -> None:
    keyboard = Keyboard()
    keyboard.composer.paste("x" * (PASTE_SHOWN_MAX + 1), 1.0)
    keyboard.press("ctrl+u")
    keyboard.composer.paste("y" * (PASTE_SHOWN_MAX + 1), keyboard.now + 1)
    keyboard.now += 2
    keyboard.press("ctrl+y")
    assert keyboard.text == "y" * (PASTE_SHOWN_MAX + 1) + "x" * (PASTE_SHOWN_MAX + 1)


def test_a_cut_paste_outlives_its_draft() -> None:
    keyboard = Keyboard()
    keyboard.composer.paste("x" * (PASTE_SHOWN_MAX + 1), 1.0)
    keyboard.press("ctrl+u")
    assert keyboard.composer.submit() == ""
    keyboard.press("ctrl+y")
    assert keyboard.text == "x" * (PASTE_SHOWN_MAX + 1)


def test_a_long_feed_of_keys_is_folded_and_whole() -> None:
    keyboard = Keyboard()
    keyboard.composer.paste("x" * (PASTE_SHOWN_MAX - 10), 1.0)
    keyboard.feed("y" * 30)
    assert len(keyboard.composer.draft.text) < 100
    assert keyboard.text == "x" * (PASTE_SHOWN_MAX - 10) + "y" * 30


def test_line_ends_are_one_kind_and_what_cannot_be_sent_is_replaced() -> None:
    draft = Draft()
    draft.paste("a\r\nb\rc\ud800\U0010f000")
    assert draft.content == "a\nb\nc��"
    draft.content.encode()


def test_up_and_down_recall_earlier_prompts_at_the_edges() -> None:
    keyboard = Keyboard("first", "second\nline")
    keyboard.type("mine")
    keyboard.press("up")
    assert keyboard.text == "second\nline"
    keyboard.press("up")
    assert keyboard.text == "second\nline"
    keyboard.press("up")
    assert keyboard.text == "first"
    keyboard.press("up")
    assert keyboard.text == "first"
    keyboard.press("down", "down")
    assert keyboard.text == "mine"
    keyboard.press("down")
    assert keyboard.text == "mine"


def test_rows_stay_around_the_cursor() -> None:
    keyboard = Keyboard()
    keyboard.composer.paste("\n".join(map(str, range(30))), 1.0)
    assert keyboard.composer.height(WIDTH) == ROWS_MAX
    assert shown(keyboard.composer, height=3) == ["  27", "  28", "  29"]
    keyboard.press(*["up"] * 15)
    assert "  14" in shown(keyboard.composer, height=3)


def test_the_cursor_is_seen_only_with_the_focus() -> None:
    composer = Composer()
    composer.paste("ab", 1.0)
    tones = [span.tone for row in composer.rows(WIDTH, 3, focused=True) for span in row]
    assert "cursor" in tones
    assert "cursor" not in [span.tone for row in composer.rows(WIDTH, 3, focused=False) for span in row]


def test_unknown_keys_are_left_to_others() -> None:
    keyboard = Keyboard()
    assert not keyboard.press("f1").handled
    assert not keyboard.press("shift+tab").handled
    assert keyboard.press("a").handled


@given(ANY | st.lists(st.sampled_from(HOSTILE), max_size=3).map("".join), st.integers(1, 50), st.integers(1, 9))
def test_any_draft_fits_and_is_safe(text: str, width: int, height: int) -> None:
    composer = Composer()
    composer.paste(text, 1.0)
    rows = composer.rows(width, height, focused=True)
    assert 1 <= len(rows) <= height
    for row in rows:
        assert sum(cell_len(span.text) for span in row) <= max(width, 4)
        for span in row:
            assert_drawable(span.text)


class Editing(RuleBasedStateMachine):
    """The cursor stays in the text, and rows cover it whole, whatever is pressed."""

    def __init__(self) -> None:
        super().__init__()
        self.keyboard = Keyboard("earlier", "two\nlines")

    @rule(key=st.sampled_from(EDITING_KEYS))
    def edit(self, key: str) -> None:
        self.keyboard.press(key)

    @rule(text=st.text(st.sampled_from("ab \n日\u0301\t\x1b"), max_size=60))
    def paste(self, text: str) -> None:
        self.keyboard.now += 1
        self.keyboard.composer.paste(text, self.keyboard.now)

    @rule()
    def paste_long(self) -> None:
        self.keyboard.now += 1
        self.keyboard.composer.paste("z" * (PASTE_SHOWN_MAX + 1), self.keyboard.now)

    @rule()
    def take(self) -> None:
        self.keyboard.composer.submit()

    @invariant()
    def is_whole(self) -> None:
        draft = self.keyboard.composer.draft
        assert 0 <= draft.cursor <= len(draft.text)
        places = draft.rows(10)
        assert "".join(draft.text[a:b] for a, b in places) == draft.text.replace("\n", "")
        assert places[draft.row_of_cursor(places)].start <= draft.cursor
        assert draft.bytes == len(draft.content.encode())


TestEditing = Editing.TestCase
TestEditing.settings = settings(max_examples=40, stateful_step_count=20)
