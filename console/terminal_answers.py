"""What a terminal answers when it is asked who it is, where its cursor is or which colours it has: never keys.

Whatever ran before in the terminal may have asked, and a slow line brings the answer late. Textual takes what it does
not know for typed characters.
"""

import re

ANSWER = re.compile(
    r"\x1b\[[?>=][\d;:]*[cnuS]"  # who it is, how it is, which keyboard protocol, how many colours
    r"|\x1b\[\d+n"  # that it works
    r"|\x1b\[[3-9];\d+(?:;\d+)?t"  # its size and place; 48 is a resize, which Textual reads
    r"|\x1b\](?:\d+;|[lL])[^\x07\x1b]*(?:\x07|\x1b\\)"  # colours, the clipboard, titles
    r"|\x1b[P_^X][^\x1b]*\x1b\\"  # its name and version, its graphics
)

BEGUN = re.compile(r"\x1b(?:\[[?>=][\d;:]*|\]\d+;[^\x07\x1b]*\x1b?|P[>01!+$|][^\x1b]*\x1b?|_G[^\x1b]*\x1b?)\Z")
"""The beginning of one at the end of a read. A key comes in a read of its own and is shorter: Alt-] is `ESC ]`."""

LONGEST = 4096
"""Characters of an answer that are waited for; of a longer one the rest counts as typed."""

PASTE, PASTE_END = "\x1b[200~", "\x1b[201~"


class TerminalAnswers:
    """Takes answers out of what is read, also where one comes in two reads. A bracketed paste stays as it is."""

    def __init__(self) -> None:
        self._begun = ""
        self._pasting = False
        self._last = ""

    def without(self, data: str) -> str:
        """What was typed or pasted, of the next characters that were read."""
        data, self._begun = self._begun + data, ""
        kept = ""
        while data:
            part, data = self._part(data)
            kept += part
        return kept

    def _part(self, data: str) -> tuple[str, str]:
        """What is kept of `data` up to where a paste begins or ends, and the rest of it."""
        if self._pasting:
            seen = self._last + data
            end = seen.find(PASTE_END)
            self._pasting = end < 0
            at = len(data) if end < 0 else end + len(PASTE_END) - len(self._last)
            self._last = seen[-len(PASTE_END) + 1 :] if end < 0 else ""
            return data[:at], data[at:]
        typed, mark, rest = data.partition(PASTE)
        self._pasting = bool(mark)
        typed = ANSWER.sub("", typed)
        begun = None if mark else BEGUN.search(typed)
        if begun is not None and len(begun[0]) <= LONGEST:
            typed, self._begun = typed[: begun.start()], begun[0]
        return typed + mark, rest
