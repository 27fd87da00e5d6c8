"""Build the lexicon: how common English words relate to each other, taken from WordNet.

    apt-get download wordnet-base && dpkg -x wordnet-base_*.deb wn
    python -m benchmarks.training.build_lexicon wn/usr/share/wordnet

Writes `backends/cache/equivalence/lexicon.tsv.gz` and its card: a word, its synsets, their hypernyms, its antonyms and
the words derived from it, for words that are one token of the embedding model. Only the more common senses are kept,
since rare ones make all words alike.
"""

import argparse
import gzip
import json
import re
import sys
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

from backends.cache import equivalence
from backends.cache.equivalence.vocabulary import vocabulary

OUT = Path(equivalence.__file__).with_name("lexicon.tsv.gz")
SENSES = 4
PARTS = {"noun": "n", "verb": "v", "adj": "a", "adv": "r"}
HYPERNYMS = ("@", "@i", "&")
LIKE = "&"  # for an adjective, the one that it is like


NOTICE = (
    "This software and database is being provided to you, the LICENSEE, by Princeton University under the "
    "following license. By obtaining, using and/or copying this software and database, you agree that you have "
    "read, understood, and will comply with these terms and conditions.: Permission to use, copy, modify and "
    "distribute this software and database and its documentation for any purpose and without fee or royalty is "
    "hereby granted, provided that you agree to comply with the following copyright notice and statements, "
    "including the disclaimer, and that the same appear on ALL copies of the software, database and "
    "documentation, including modifications that you make for internal use or for distribution. WordNet 3.0 "
    'Copyright 2006 by Princeton University. All rights reserved. THIS SOFTWARE AND DATABASE IS PROVIDED "AS '
    'IS" AND PRINCETON UNIVERSITY MAKES NO REPRESENTATIONS OR WARRANTIES, EXPRESS OR IMPLIED. BY WAY OF '
    "EXAMPLE, BUT NOT LIMITATION, PRINCETON UNIVERSITY MAKES NO REPRESENTATIONS OR WARRANTIES OF MERCHANT- "
    "ABILITY OR FITNESS FOR ANY PARTICULAR PURPOSE OR THAT THE USE OF THE LICENSED SOFTWARE, DATABASE OR "
    "DOCUMENTATION WILL NOT INFRINGE ANY THIRD PARTY PATENTS, COPYRIGHTS, TRADEMARKS OR OTHER RIGHTS. The name "
    "of Princeton University or Princeton may not be used in advertising or publicity pertaining to "
    "distribution of the software and/or database. Title to copyright in this software, database and any "
    "associated documentation shall at all times remain with Princeton University and LICENSEE agrees to "
    "preserve same."
)


class Words:
    def __init__(self) -> None:
        self.synsets: dict[str, set[str]] = defaultdict(set)
        self.hypernyms: dict[str, set[str]] = defaultdict(set)
        self.antonyms: dict[str, set[str]] = defaultdict(set)
        self.derived: dict[str, set[str]] = defaultdict(set)


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.training.build_lexicon", description=__doc__)
    parser.add_argument("wordnet", type=Path, help="folder of data.noun, index.noun and their like")
    folder = parser.parse_args(argv).wordnet
    known = {word for word in vocabulary() if word.isalpha() and len(word) > 1}
    words, lemmas = Words(), dict(_lemmas(folder))
    for part, letter in PARTS.items():
        senses = _senses(folder / f"index.{part}")
        for line in (folder / f"data.{part}").read_text(encoding="utf-8").splitlines():
            if not line.startswith(" "):
                _take(words, line, letter, senses=senses, lemmas=lemmas, known=known)
    rows = [
        "\t".join([word, *(" ".join(sorted(of[word])) for of in vars(words).values())])
        for word in sorted(set().union(*vars(words).values()))
    ]
    OUT.write_bytes(gzip.compress(_short_ids("\n".join(rows)).encode(), mtime=0))
    card = {"what": "relations of common English words", "source": "WordNet 3.0", "words": len(rows), "licence": NOTICE}
    OUT.with_name("lexicon.json").write_text(json.dumps(card, indent=1) + "\n", encoding="utf-8")
    print(f"{len(rows)} words, {OUT.stat().st_size} bytes")
    return 0


def _lemmas(folder: Path) -> Iterator[tuple[str, list[str]]]:
    """Each synset's words in order."""
    for part, letter in PARTS.items():
        for line in (folder / f"data.{part}").read_text(encoding="utf-8").splitlines():
            if not line.startswith(" "):
                fields = line.split(" ")
                count = int(fields[3], 16)
                yield letter + fields[0], [_bare(fields[4 + 2 * index]) for index in range(count)]


def _senses(path: Path) -> dict[str, list[str]]:
    """Each word's synsets, the commonest first."""
    senses = {}
    for line in path.read_text(encoding="utf-8").splitlines():
        if not line.startswith(" "):
            fields = line.split()
            senses[fields[0]] = fields[-int(fields[2]) :]
    return senses


def _take(
    words: Words, line: str, part: str, *, senses: dict[str, list[str]], lemmas: dict[str, list[str]], known: set[str]
) -> None:
    fields = line.split(" | ", maxsplit=1)[0].split(" ")
    own = lemmas[part + fields[0]]
    common = {word for word in own if word in known and fields[0] in senses.get(word, [])[:SENSES]}
    at = 4 + 2 * int(fields[3], 16)
    pointers = [fields[at + 1 + 4 * index : at + 5 + 4 * index] for index in range(int(fields[at]))]
    for word in common:
        words.synsets[word].add(part + fields[0])
        for symbol, target, of, _ in pointers:
            if symbol in HYPERNYMS:
                (words.synsets if symbol == LIKE else words.hypernyms)[word].add(_part(of) + target)
    for symbol, target, of, ends in pointers:
        if symbol not in ("!", "+", "\\") or ends == "0000":
            continue
        one, other = own[int(ends[:2], 16) - 1], lemmas[_part(of) + target][int(ends[2:], 16) - 1]
        if one in known and other in known and (symbol != "!" or one in common):
            (words.antonyms if symbol == "!" else words.derived)[one].add(other)


def _part(letter: str) -> str:
    return "a" if letter == "s" else letter


def _bare(word: str) -> str:
    return word.split("(", maxsplit=1)[0].lower()


def _short_ids(table: str) -> str:
    """Synsets as small numbers, in the order they come; those that one word alone has say nothing and go."""
    counts: dict[str, int] = defaultdict(int)
    pattern = re.compile(r"\b[nvar]\d{8}\b")
    for match in pattern.finditer(table):
        counts[match.group()] += 1
    numbers = {name: str(number) for number, name in enumerate(name for name, count in counts.items() if count > 1)}
    table = pattern.sub(lambda match: numbers.get(match.group(), ""), table)
    return re.sub(r" *\t *", "\t", re.sub(r" +", " ", table))


if __name__ == "__main__":
    sys.exit(main())
