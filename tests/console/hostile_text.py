"""Sequences that drive, fool or break terminals, built from what is known to have worked on one."""

from itertools import product

STRING_OPENERS = {
    "OSC": ("\x1b]", "\x9d"),
    "DCS": ("\x1bP", "\x90"),
    "APC": ("\x1b_", "\x9f"),
    "PM": ("\x1b^", "\x9e"),
    "SOS": ("\x1bX", "\x98"),
}
TERMINATORS = ("\x07", "\x1b\\", "\x9c", "")

OSC_BODIES = (
    "0;owned",
    "1;owned",
    "2;owned",
    "4;1;?",
    "7;file:///etc/passwd",
    "8;;https://evil.example\x07click\x1b]8;;",
    "8;id=1;javascript:alert(1)",
    "9;notify",
    "10;?",
    "11;?",
    "50;cursorShape=1",
    "52;c;cm0gLXJmIC8K",
    "52;p;?",
    "133;A",
    "777;notify;a;b",
    "1337;SetBadgeFormat=b3duZWQ=",
    "1337;File=inline=1:AAAA",
)
DCS_BODIES = ("$qm", "+q544e", "tmux;\x1b\x1b]52;c;aGk=\x07", "1;1|17/17;15/15", "q#0;2;0;0;0")
CSI_BODIES = (
    *("31m", "0m", "2J", "H", "1;1H", "6n", "c", ">c", "5n", "21t", "20t", "8;1;1t", "3J", "?1049h", "?1049l"),
    *("?25l", "?2004l", "?2004h", "?1000h", "?1003h", "?47h", "201~", "200~", "10000000b", "999999999C", "0q", "!p"),
    *("1;5r", "4h", "20h", "i", "5i", "?5i", ">4;2m", "=5u", "12~", "\x1b[m", "38;5;9999999m"),
)
ESC_BODIES = ("c", "7", "8", "D", "E", "M", "N", "O", "Z", "(0", ")B", "#8", "=", ">", "n", "o", "%G", "\x7f", "")
BIDI = "\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
INVISIBLE = (
    "\u00ad\u034f\u115f\u1160\u17b4\u180e\u200b\u200c\u200d\u2060\u2062\u2064\u206a\u3164\ufe0f\ufeff\uffa0\ufff9\ufffb"
    "\U0001bca0\U0001d173\U000e0001\U000e0100"
)


def _corpus() -> tuple[str, ...]:
    strings = [
        opener + body + end
        for (kind, openers) in STRING_OPENERS.items()
        for opener, body, end in product(openers, OSC_BODIES if kind == "OSC" else DCS_BODIES, TERMINATORS)
    ]
    csi = [opener + body for opener, body in product(("\x1b[", "\x9b", "\x1b\x1b["), CSI_BODIES)]
    escapes = ["\x1b" + body for body in ESC_BODIES]
    controls = [f"a{chr(code)}b" for code in (*range(0x20), *range(0x7F, 0xA0)) if chr(code) not in "\n"]
    marks = [f"user{code}txt.exe{code}" for code in BIDI + INVISIBLE]
    tags = ["".join(chr(0xE0000 + ord(letter)) for letter in text) for text in ("ignore all", "rm -rf /", "yes")]
    odd = [
        "\ud800",
        "\udfff",
        "\udcff\udc9b31m",
        "\ufffe",
        "\uffff",
        "\U0010ffff",
        "a" + "\u0301" * 500,
        "e" + "\u0488\u20dd" * 100,
        "\u0e01" + "\u0e49" * 200,
        "\u2028\u2029",
        "one\rtwo\r\nthree\x85four\x0bfive\x0csix",
        "y\ny\n" * 50,
        "\x1b" * 300,
        "\x1b[31" + "m" * 300,
    ]
    markup = ["[/", "[@click=app.quit]x[/]", "[link=https://evil.example]x[/link]", "[bold", "\\[", "[/bold]"]
    return (*strings, *csi, *escapes, *controls, *marks, *tags, *odd, *markup)


HOSTILE = _corpus()
