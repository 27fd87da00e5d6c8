"""What the agents paste into their prompts: disk tables, logs, notes, passages, rows, diffs and tracebacks."""

from random import Random

TOPICS = (
    "local LLMs", "vector databases", "terminal dashboards", "home batteries", "podcast cutting", "static sites",
    "usage pricing", "e-ink displays", "passkeys", "edge inference", "standing desks", "receipt scanning",
)  # fmt: skip
HOSTS = ("nightjar", "heron", "plover", "wren")
CITIES = ("Lisbon", "Graz", "Tallinn", "Ghent", "Porto", "Malmö")
DAYS = ("Monday", "Tuesday", "Thursday", "the 3rd", "the 14th", "last Friday", "2026-03-09")
UNITS = ("ollama.service", "nginx.service", "backup.timer", "postgresql.service", "claw.service")
LOG_LINES = (
    'nginx: 203.0.113.{n} "GET /wp-login.php" 404 162',
    "sshd[{n}]: Failed password for invalid user admin from 198.51.100.{n} port 4{n}",
    "ollama[{n}]: runner exited: unexpected EOF",
    "kernel: Out of memory: Killed process {n} (python3) total-vm:18{n}32kB",
    "backup[{n}]: 3{n} files, 1.{n} GB, done",
    'claw[{n}]: cloud call finished status=200 ttft_ms={n}',
    "systemd[1]: nginx.service: Scheduled restart job, restart counter is at {n}.",
)  # fmt: skip
SENTENCES = (
    "The pilot ran for six weeks and nobody asked for a second one.",
    "Usage fell after the free tier ended, yet revenue held.",
    "Two of the five teams moved back, citing the night alerts.",
    "A later survey found the opposite, with a larger sample and a narrower question.",
    "The vendor's own figures count retries as successes.",
    "Support answered within a day, except in August.",
    "The change was announced on a Friday and reverted on the Monday after.",
    "Nobody could name the owner of the old process.",
    "The cheaper option needs one more person, which the table leaves out.",
    "Readers remembered the example and forgot the claim.",
    "It shipped late because the first measurement was wrong.",
    "The contract renews by itself unless cancelled ninety days ahead.",
)
DIFF = """\
```diff
--- a/worker.py
+++ b/worker.py
@@ -{n},7 +{n},9 @@ async def drain(queue):
-    for job in queue:
-        asyncio.create_task(run(job))
+    tasks = [asyncio.create_task(run(job)) for job in queue]
+    done, _ = await asyncio.wait(tasks, timeout={n})
+    return [task.result() for task in done]
```"""
TRACEBACK = """\
```
Traceback (most recent call last):
  File "/srv/app/worker.py", line {n}, in drain
    return [task.result() for task in done]
  File "/srv/app/store.py", line 8{n}, in put
    self._rows[key] += row
KeyError: 'agent-{n}'
```"""


def material(random: Random) -> dict[str, str]:
    """A value for every $word of the prompts."""
    topic, topic2 = random.sample(TOPICS, 2)
    number = random.randint(2, 9)
    return {
        "topic": topic,
        "topic2": topic2,
        "host": random.choice(HOSTS),
        "city": random.choice(CITIES),
        "day": random.choice(DAYS),
        "n": str(number),
        "df": _df(random),
        "units": _units(random),
        "log": _log(random, random.randint(6, 30)),
        "notes": "\n".join(f"- {sentence}" for sentence in random.sample(SENTENCES, random.randint(3, 6))),
        "passages": "\n\n".join(_passage(random, place) for place in range(1, random.randint(4, 12))),
        "rows": _rows(random),
        "diff": DIFF.format(n=number),
        "traceback": TRACEBACK.format(n=number),
    }


def _df(random: Random) -> str:
    rows = [("/", 40), ("/var", 80), ("/srv", 200), ("/boot", 1)]
    used = [(mount, size, random.randint(20, 97)) for mount, size in rows]
    table = [
        f"/dev/vda{n}  {size:>4}G {size * share // 100:>4}G {share:>3}% {mount}"
        for n, (mount, size, share) in enumerate(used)
    ]
    return "\n".join(["Filesystem  Size Used Use% Mounted on", *table])


def _units(random: Random) -> str:
    broken = random.choice(UNITS)
    return "\n".join(f"● {unit} loaded {'failed failed' if unit == broken else 'active running'}" for unit in UNITS)


def _log(random: Random, lines: int) -> str:
    times = sorted(random.randint(0, 86_399) for _ in range(lines))
    return "\n".join(
        f"Mar 09 {at // 3600:02}:{at // 60 % 60:02}:{at % 60:02} "
        + random.choice(LOG_LINES).format(n=random.randint(11, 99))
        for at in times
    )


def _passage(random: Random, place: int) -> str:
    return f"[{place}] " + " ".join(random.choices(SENTENCES, k=random.randint(5, 9)))


def _rows(random: Random) -> str:
    rows = [
        f"2026-0{random.randint(1, 9)}-1{n % 9},{random.choice(TOPICS)},{random.randint(9, 900)}.00" for n in range(12)
    ]
    return "\n".join(["date,what,eur", *rows])
