"""Closed word classes of English that decide what a question asks. They are small, general, and not fitted to data."""


def word_set(words: str) -> frozenset[str]:
    return frozenset(words.split())


FILLERS = word_set(
    """
    a an the i me my we us our you your it its he she they them their this that these those there here is are
    am was were be been being do does did doing done have has had having will would shall should can could may
    might must let lets please pls plz kindly hey hi hello thanks thank maybe perhaps just really actually
    basically also too so well ok okay now right quick quickly what which who whom whose when where why how
    whats hows wheres of in on at for with by about as like than then and or but if to from into onto over via
    using use used through tell show give list display print explain describe provide want need know find see
    get say help make sure able way ways possible mean means question answer command option exactly me all
    every each any some much many lot lots very
    """
)
"""Words that by themselves change no answer. Where one can, a guard reads it before it is left out."""

DIRECTIONS = word_set("from to into onto than before after until since without against under above below between")
"""Words that give the word after them its role."""

NEGATORS = word_set(
    "not no non never none neither nor nothing nobody cannot without except avoid avoids avoided avoiding prevent "
    "prevents prevented preventing lack lacks lacking"
)

OPPOSITES: tuple[tuple[str, str], ...] = (
    ("on", "off"), ("enable", "disable"), ("increase", "decrease"), ("include", "exclude"), ("encrypt", "decrypt"),
    ("before", "after"), ("more", "less"), ("more", "fewer"), ("most", "least"), ("high", "low"), ("above", "below"),
    ("over", "under"), ("min", "max"), ("minimum", "maximum"), ("first", "last"), ("start", "stop"), ("open", "close"),
    ("add", "remove"), ("create", "delete"), ("install", "uninstall"), ("upgrade", "downgrade"), ("upload", "download"),
    ("allow", "deny"), ("allow", "block"), ("import", "export"), ("push", "pull"), ("lock", "unlock"), ("up", "down"),
    ("left", "right"), ("in", "out"), ("input", "output"), ("internal", "external"), ("public", "private"),
    ("success", "failure"), ("succeed", "fail"), ("pass", "fail"), ("ascending", "descending"), ("fast", "slow"),
    ("best", "worst"), ("cheap", "expensive"), ("large", "small"), ("long", "short"), ("new", "old"), ("read", "write"),
    ("sync", "async"), ("mount", "unmount"), ("attach", "detach"), ("connect", "disconnect"), ("keep", "delete"),
    ("staging", "production"), ("local", "remote"), ("client", "server"), ("buy", "sell"), ("win", "lose"),
    ("accept", "reject"), ("send", "receive"), ("begin", "end"), ("inbound", "outbound"), ("ingress", "egress"),
)  # fmt: skip

SCOPES: dict[str, str] = {
    word: name
    for name, words in {
        "only": "only just solely exclusively",
        "average": "average mean avg",
        "median": "median",
        "total": "total sum overall",
        "any": "any either",
        "every": "all every each per entire whole",
        "some": "some few several",
        "last": "last latest previous past recent newest",
        "first": "first earliest oldest",
        "next": "next upcoming following coming",
        "today": "today tonight",
        "yesterday": "yesterday",
        "tomorrow": "tomorrow",
        "including": "including plus",
        "excluding": "excluding except minus",
        "another": "another additional extra spare",
        "somebody": "somebody someone anybody anyone stranger else",
        "at least": "least minimum min",
        "at most": "most maximum max",
    }.items()
    for word in words.split()
}
"""Words that widen or narrow a question."""

STOP_WORDS: dict[str, frozenset[str]] = {
    "en": word_set("the is are what how do does of and to in for with which why can my this that from i it on be"),
    "de": word_set("der die das ist sind was wie und für mit welche warum kann mein den ein eine von zu ich nicht auf"),
    "fr": word_set("le la les est sont que comment et pour avec pourquoi mon ma un une des du dans je ne pas sur qui"),
    "es": word_set("el la los las es son qué que cómo como y para con por mi un una del en yo no se cuál"),
    "it": word_set("il lo gli è sono che come e per con perché mio un una del nel io non si quale di"),
    "pt": word_set("o os as é são que como e para com por meu um uma do da no na eu não se qual"),
    "nl": word_set("de het is zijn wat hoe en voor met welke waarom kan mijn een van ik niet op in"),
    "pl": word_set("jest są co jak i dla z który dlaczego może mój w na nie się czy do"),
}
"""Enough words of each language to recognise a whole sentence."""

ALIASES: dict[str, str] = {
    "k8s": "kubernetes",
    "postgres": "postgresql",
    "js": "javascript",
    "ts": "typescript",
    "golang": "go",
    "py": "python",
    "config": "configuration",
    "repo": "repository",
    "db": "database",
    "env": "environment",
    "info": "information",
    "docs": "documentation",
    "e-mail": "email",
    "won't": "will not",
    "can't": "can not",
    "cannot": "can not",
    "unable": "not able",
    "whats": "what is",
    "hows": "how is",
    "todays": "today's",
}
"""Other spellings of one word."""

PHRASES: tuple[tuple[str, str], ...] = (
    (r"(?:turn|switch)(?:ed|ing)? off|deactivate", "disable"),
    (r"(?:turn|switch)(?:ed|ing)? on|activate", "enable"),
    (r"most recent", "latest"),
    (r"right now|at the moment|at present|presently", "currently"),
    (r"us dollars?|american dollars?", "usd"),
    (r"roll(?:ed|ing)? back", "undo"),
    (r"get(?:ting)? rid of", "delete"),
    (r"set(?:ting)? up", "configure"),
    (r"free(?:d|ing)? up", "free"),
    (r"find(?:ing)? out", "find"),
    (r"as well as", "and"),
)
"""Phrases that mean the same as one word."""

SYNONYMS: dict[str, str] = {
    word: group.split()[0]
    for group in (
        "write generate produce create make compose draft",
        "recommend suggest propose advise",
        "delete remove erase drop",
        "fix repair resolve",
        "change modify alter edit",
        "undo revert",
        "begin start launch",
        "stop end terminate",
        "difference differ diff differs",
        "cause reason",
        "convert turn transform",
        "check verify",
        "fast quick rapid quickly",
        "big large huge",
        "currently current",
        "maximum most highest largest top",
        "minimum least lowest smallest",
        "shorten shorter",
        "picture image photo",
        "error failure fault",
        "configure configuration",
        "utilisation utilization usage",
        "summarise summarize summary",
        "answer serve",
    )
    for word in group.split()
}
"""A few everyday groups; words outside them stay different."""

GENERIC = word_set("error file unit status container service field value number example thing point string")
"""Nouns that are implied by a name or a number next to them."""

GENITIVES = word_set("of in for about with at by")
"""Words that join what a compound or a genitive joins without them."""

MONTHS = word_set("january february march april may june july august september october november december")
"""They have a capital but are no names: they are read as dates or as words."""

KINDS: tuple[tuple[str, str], ...] = (
    ("why", r"\bwhy\b|\breasons?\b|\bcaus(?:e|es|ed|ing)\b|\bhow come\b"),
    ("when", r"(?:^|[.!?:;,]|\b(?:and|me|know|since|until))\s*when\b|\b(?:what|which) (?:time|date|day)\b"),
    ("where", r"(?:^|[.!?:;,]|\b(?:and|me|know|from))\s*where\b"),
    ("who", r"\bwho\b|\bwhom\b|\bwhose\b"),
    ("count", r"\bhow (?:many|often)\b|\bnumber of\b|\bcount\b"),
    ("size", r"\bhow (?:long|big|large|deep|old|far|high|fast)\b"),
)
"""What a question asks for, as patterns over text in lower case."""

MANNERS: dict[str, str] = {
    word: name
    for name, words in {"explain": "explain describe elaborate", "list": "list enumerate show display print"}.items()
    for word in words.split()
}
"""The kind of answer that is wanted."""

POSSESSIVES: dict[str, str] = {
    "my": "me", "mine": "me", "our": "me", "ours": "me", "your": "you", "yours": "you",
    "his": "him", "her": "her", "their": "them",
}  # fmt: skip

TENSES: dict[str, str] = {
    word: name
    for name, words in {"past": "was were did had", "present": "is are am do does has", "future": "will shall"}.items()
    for word in words.split()
}


PHRASAL: dict[tuple[str, str], str] = {
    (verb, particle): meaning
    for meaning, pairs in {
        "disable": "turn off, switch off, shut off",
        "enable": "turn on, switch on",
        "undo": "roll back",
        "configure": "set up",
        "free": "free up",
        "find": "find out, figure out, look up",
        "stop": "shut down",
        "remove": "take out, take off, throw out, clear out",
        "cancel": "call off",
        "postpone": "put off, push back",
        "execute": "carry out",
        "accelerate": "speed up",
        "register": "sign up",
        "explain": "spell out",
        "sum": "add up, sum up",
        "increase": "go up, put up",
        "decrease": "go down, cut down",
        "complete": "fill in, fill out",
        "return": "give back, send back, bring back",
        "start": "boot up, start up, fire up",
        "arrive": "show up, turn up",
        "happen": "come up",
    }.items()
    for verb, particle in (tuple(pair.split()) for pair in pairs.split(", "))
}  # fmt: skip
"""Verbs whose meaning changes with a particle, which may follow some words later."""
