"""Whether an ask stands on its own words, so that its answer holds wherever and whenever it is asked.

With tools at hand the model can look at files, machines and accounts, so an ask that points at any of them has another
answer when they change. The rules know what points outside, not what is harmless. In doubt an ask is taken to point
outside: a wrong hit is worse than a miss.
"""

import re
from functools import lru_cache

LONGEST = 4096
"""Characters. A longer ask is not searched and counts as one that points outside: a search takes up to 5 ms."""

REMEMBERED = 256
"""Asks whose result is kept, a megabyte at the most: each request needs it several times, as does each turn of a tool
loop.
"""

FOREIGN = 0.3
"""The share of letters outside the Latin alphabet from which the rules below cannot read an ask."""

_PLACE = re.compile(
    r"(?:^|[\s\"'`(=:])(?:~|\.{1,2})?/\w|[A-Za-z]:\\|\w+://|(?<!\w)[@$]\w|(?<!\w)#\d|"
    r"\b[\w-]{1,60}\.(?:py|ipynb|js|mjs|tsx?|jsx|go|rs|cc?|h|cpp|java|kt|rb|php|sh|md|rst|txt|jsonl?|ya?ml|toml|ini|cfg|"
    r"conf|log|csv|tsv|xlsx?|pdf|docx?|pptx?|sql|db|html?|css|env|lock|service|png|jpe?g|gif|svg|mp[34]|zip|gz)\b",
    re.IGNORECASE,
)
"""A path, an address, a file's name, a mention, a variable, a ticket's number."""

_THINGS = (
    r"files?|folders?|director(?:y|ies)|workspace|repo(?:s|sitory|sitories)?|code(?:base)?|projects?|branch(?:es)?|"
    r"commits?|diff|changes|changelog|prs?|pull requests?|issues?|tickets?|tests?|suite|build|pipeline|deployments?|"
    r"releases?|logs?|servers?|machines?|hosts?|vms?|vps|box|clusters?|nodes?|containers?|pods?|images?|services?|daemons?|"
    r"process(?:es)?|jobs?|tasks?|cron(?:jobs?)?|queues?|databases?|dbs?|tables?|schema|config(?:uration)?s?|settings|"
    r"scripts?|functions?|class(?:es)?|methods?|modules?|packages?|dependenc(?:y|ies)|endpoints?|apis?|apps?|space|"
    r"applications?|bots?|agents?|models?|sites?|websites?|pages?|screens?|windows?|tabs?|browser|terminal|shell|"
    r"sessions?|conversations?|chats?|threads?|messages?|mails?|e-?mails?|inbox|calendar|meetings?|events?|notes?|memory|"
    r"documents?|docs?|reports?|lists?|sheets?|spreadsheets?|dashboards?|backups?|disks?|cpu|gpu|ram|load|network|ports?|"
    r"firewall|cache|budgets?|bills?|invoices?|bugs?|errors?|failures?|exceptions?|crash(?:es)?|problems?|outputs?|"
    r"results?|answers?|data|datasets?|attachments?|pictures?|photos?|screenshots?|links?|urls?|users?|customers?|"
    r"clients?|team|alerts?|incidents?|metrics|certificates?|certs?|keys?|secrets?|passwords?|status|state|version|"
    r"weather|reminders?|snapshots?|accounts?|previous|same|rest"
)

_POINTS = re.compile(
    rf"\b(?:the (?:[\w'-]+ ){{0,3}}?|(?:that|all|any|both|each|every) (?:[\w'-]+ )?)(?:{_THINGS})\b|"
    r"\b(?:this|these|those|my|mine|our|ours|your|yours|again|above|below|earlier|previous|previously|attached)\b|"
    r"\b(?:dies\w*|mein\w*|unser\w*|dein\w*|eur\w+|hier|dort|wieder|noch|oben|ce|cet|cette|ces|mon|ma|mes|notre|nos|ici|"
    r"encore|mis?|nuestr\w*|est[aeo]s?|aqu[ií]|otra vez)\b|"
    r"^\W*(?:and|or|but|so|then|also|ok|okay|yes|no|it|he|she|they|that|go|continue|proceed|next|more|else|same)\b|"
    r"^\W*(?:\w+ ){0,3}(?:it|that|them|here|there)\W*$|"
    r"\b(?:which|what) (?:model|version|name|tools?|session|host|user)\b|"
    r"\byou(?:'re| are| run| use| know| said)\b|\bare you\b",
    re.IGNORECASE,
)
"""A word for something that the ask does not bring along: "the folder", "that file", "my", "above", "fix it"."""

_BEGINS = r"(?:^|[.!?;:\n]\s*|\b(?:please|then|and|you|to|bitte|porfa|favor)\s+)(?:(?:please|just|quickly)\s+){0,3}"

_ACTS = re.compile(
    _BEGINS
    + r"(?:(?:run|execute|start|stop|restart|reload|kill|(?:un)?install|update|upgrade|deploy|roll|commit|push|pull|"
    r"merge|rebase|checkout|clone|fetch|download|upload|open|close|delete|remove|rename|move|copy|save|store|remember|remind|"
    r"schedule|send|post|reply|forward|notify|message|e-?mail|call|book|order|buy|search|look|google|browse|grep|ls|cat|"
    r"tail|ping|scan|debug|fix|patch|refactor|inspect|monitor|watch|verify|investigate|diagnose|configure|enable|disable|"
    r"mount|back|restore|sync|edit|append|apply|wait|resume|retry|undo|reboot|curl|dig|whois|ssh|git|docker|kubectl|sudo|"
    r"zeig\w*|starte?|lösch\w*|öffne|prüfe?|such\w*|lies|führe|schalte?|"
    r"montre|affiche|lance|supprime|ouvre|vérifie|cherche|muestra|abre|borra|busca|ejecuta|revisa)\b|"
    r"(?:show|list|find|check|test|review|audit|read|view|print|get|give|count|tell|create|make|add|set|use|summari[sz]e|"
    rf"analy[sz]e|compare|explain|describe) (?:[\w'/-]+ ){{0,4}}?(?:{_THINGS})\b)",
    re.IGNORECASE,
)
"""A sentence that begins with something to do out there."""

_STATE = re.compile(
    r"\b(?:what|which|whose) (?:time|day|date|weekday|week|month|year)\b|"
    r"\bhow (?:many|much|long|old)\b.{0,60}\b(?:until|till|since|ago|left|free|used|open|running)\b|"
    r"\b(?:ago|overdue|birthday|uptime|hostname|whoami|alive|reachable|running|healthy|online|offline|installed|"
    r"listening|expir\w+|vivo|viva|erreichbar|läuft|marche)\b",
    re.IGNORECASE | re.DOTALL,
)
"""A question whose answer depends on when or where it is asked, beyond what `asks_for_now` knows."""

SHORT = 60
"""Characters of an ask that brings hardly anything along: there any word of the calendar may mean that of today."""

_CALENDAR = re.compile(
    r"\b(?:minutes?|hours?|days?|daytime|daypart|weekdays?|weekends?|weeks?|months?|quarters?|seasons?|years?|dates?|"
    r"time(?! complexity| series)|calendar|o'clock|mornings?|noon|afternoons?|evenings?|nights?|midnight|sun|moon|dawn|"
    r"dusk|(?:mon|tues|wednes|thurs|fri|satur|sun)days?|old|age|deadline|until|till|since|open|closed|holidays?|"
    r"horoscope|greet(?:s|ing|ings)?|(?:who|where) (?:am|do|are) (?:i|we)|"
    r"stunden?|tage?n?|\w+tag|wochen?(?:ende)?|monate?n?|jahr(?:e[ns]?|eszeit)?|uhr(?:zeit)?|datum|zeit|spät|früh|alt|bis|"
    r"seit|abend\w*|nachts?|mittags?|weihnachten|ostern|"
    r"heures?|jours?|semaines?|mois|ans|années?|temps|matin|soir|nuit|depuis|jusqu\w*|noël|pâques|"
    r"(?:lun|mar|mercre|jeu|vendre|same)di|dimanche|âge|"
    r"horas?|días?|semanas?|mes|meses|años?|fecha|tiempo|tarde|noche|desde|hasta|navidad|"
    r"lunes|martes|miércoles|jueves|viernes|sábado|domingo|edad)\b",
    re.IGNORECASE,
)

_MOMENT = re.compile(
    r"\b(?:the|which|what|next|coming|until|till|by) (?:\w+ )?(?:time|date|day|weekday|week|month|quarter|season|year|"
    r"hour|moon|weekend|(?:mon|tues|wednes|thurs|fri|satur|sun)day)\b(?! complexity| series)|"
    r"\bhow (?:many (?:more )?(?:minutes|hours|days|weeks|months|years)|old|long)\b|"
    r"\bwhen(?:'s| is| are| was| will| does| do| did)\b|\b(?:is|was|will) it\b|"
    r"\b(?:date|leap|sunrise|sunset|zodiac|seasonal|remain(?:s|ing)?|elapsed|good (?:morning|evening|afternoon|night)|"
    r"christmas|easter)\b|"
    r"\b(?:wie viele tage|wie lange|wie alt|wie spät|wann|ist es|quel(?:le)? (?:jour|heure|date|âge)|sommes-nous|quand|"
    r"qué (?:día|hora|fecha)|cuánd[oa]s?|cuántos días)\b",
    re.IGNORECASE,
)
"""What asks for the time, the date, or something reckoned from them, in an ask of any length."""

_QUOTED = re.compile(r"```.*?```|\"[^\"]*\"|“[^“”]*”|„[^„“”]*[“”]|«[^«»]*»", re.DOTALL)
"""Text that the ask brings along to be worked on."""


READ_END = 4096  # characters that are searched at each end of a long text; some 0.3 ms for both

_FRESH = re.compile(
    r"\b(?:now|today|tonight|yesterday|tomorrow|current|currently|latest|newest|recent|recently|nowadays|"
    r"up[- ]to[- ]date|breaking|live|(?:this|last|next|past) (?:second|minute|hour|morning|afternoon|evening|night|day|"
    r"week|weekend|month|quarter|year)|so far|still|at the moment|what time is it|"
    r"jetzt|heute|gestern|morgen|aktuell\w*|derzeit|neueste\w*|diese[rsnm]? (?:woche|monat|jahr)|"
    r"maintenant|aujourd.hui|hier|demain|actuel\w*|cette semaine|ahora|hoy|ayer|mañana|actualmente)\b"
    r"|今日|今天|现在|最新|現在",
    re.IGNORECASE,
)


def stands_alone(ask: str) -> bool:
    """Does its answer depend on nothing but the ask and the rest of its request, at any time and any place?"""
    return len(ask) <= LONGEST and _stands_alone(ask)


@lru_cache(REMEMBERED)
def _stands_alone(ask: str) -> bool:
    return not asks_for_now(ask) and not points_outside(ask) and not _reckons(ask)


def _reckons(ask: str) -> bool:
    """May the answer be reckoned from the time or the date?"""
    said = _QUOTED.sub('""', ask)
    return _MOMENT.search(said) is not None or (len(ask) <= SHORT and _CALENDAR.search(said) is not None)


def points_outside(ask: str) -> bool:
    """Does the answer depend on anything but the ask itself and the rest of its request?"""
    if not ask.strip() or len(ask) > LONGEST or _foreign(ask) or _PLACE.search(ask):
        return True
    said = _QUOTED.sub('""', ask)
    return any(rule.search(said) is not None for rule in (_POINTS, _ACTS, _STATE))


def asks_for_now(question: str) -> bool:
    """Whether only a fresh answer will do. Of a long text only both ends are searched: instructions stand there."""
    if len(question) > 2 * READ_END:
        question = f"{question[:READ_END]}\n{question[-READ_END:]}"
    return _FRESH.search(question) is not None


def _foreign(ask: str) -> bool:
    """Is too much of it in an alphabet that the rules do not read?"""
    letters = [letter for letter in ask if letter.isalpha()]
    return sum(letter > "ɏ" for letter in letters) > FOREIGN * len(letters)
