"""Rate limits by agent: requests and tokens a minute, each a token bucket that holds one minute's worth.

A request takes its prompt's estimated tokens when it is admitted. When it ends, the estimate is replaced by what it
really used: a bucket may go into debt for a long answer, and admits nothing until the debt is paid. So the mean over
any time is within the limit, and no call is refused for what it might use. Time is the monotonic clock's.
"""

from collections.abc import Callable, Mapping

from backends.clock import Clock
from backends.errors import RateLimited
from backends.settings.agents import Agent
from backends.types import Tokens

MINUTE_S = 60.0


class RateLimiter:
    def __init__(self, agents: Mapping[str, Agent], clock: Clock) -> None:
        self._clock = clock
        self._requests: dict[str, Bucket] = {}
        self._tokens: dict[str, Bucket] = {}
        self._taken: dict[str, int] = {}
        self.reconfigure(agents)

    def reconfigure(self, agents: Mapping[str, Agent]) -> None:
        """Use other limits from the next request on; a bucket whose limit is the same keeps its level."""
        requests = {name: agent.requests_per_minute for name, agent in agents.items()}
        tokens = {name: agent.tokens_per_minute for name, agent in agents.items()}
        self._requests, self._tokens = self._buckets(requests, self._requests), self._buckets(tokens, self._tokens)

    def _buckets(self, sizes: Mapping[str, int | None], old: Mapping[str, "Bucket"]) -> dict[str, "Bucket"]:
        same = {name: bucket for name, bucket in old.items() if bucket.size == sizes.get(name)}
        return {name: same.get(name) or Bucket(size, self._clock) for name, size in sizes.items() if size is not None}

    def admit(self, id: str, agent: str, input_tokens: int) -> None:
        """Count a request and its prompt. Raises RateLimited, and counts neither, where a limit is reached."""
        self.check(agent, input_tokens)
        if agent in self._requests:
            self._requests[agent].take(1)
        if agent in self._tokens:
            self._tokens[agent].take(input_tokens)
            self._taken[id] = input_tokens

    def check(self, agent: str, input_tokens: int) -> None:
        """Raises RateLimited where a limit is reached; counts nothing."""
        requests, tokens = self._requests.get(agent), self._tokens.get(agent)
        if requests is not None and requests.level < 1:
            raise _limited(agent, "requests", requests, 1)
        # A prompt longer than the bucket waits for a full one: it would wait for more for ever.
        needed = min(input_tokens, tokens.size) if tokens is not None else 0
        if tokens is not None and tokens.level < needed:
            raise _limited(agent, "tokens", tokens, needed)

    def settle(self, id: str, agent: str, used: Tokens) -> None:
        """A request has ended, or never began: take what it used, not the estimate. A second call changes nothing."""
        estimated = self._taken.pop(id, None)
        if estimated is not None and agent in self._tokens:
            self._tokens[agent].take(used.input + used.output + used.thinking - estimated)


class Bucket:
    """Holds at most `size` and fills by `size` a minute; `level` is below 0 while there is a debt."""

    def __init__(self, size: int, clock: Clock) -> None:
        self.size = size
        self._monotonic: Callable[[], float] = clock.monotonic
        self._level = float(size)
        self._at = clock.monotonic()

    @property
    def level(self) -> float:
        now = self._monotonic()
        self._level = min(float(self.size), self._level + (now - self._at) * self.size / MINUTE_S)
        self._at = now
        return self._level

    def take(self, amount: float) -> None:
        """A negative amount gives back."""
        self._level = min(float(self.size), self.level - amount)

    def wait_s(self, amount: float) -> float:
        """Seconds until it holds `amount`, if no other request takes any."""
        return max(0.0, (amount - self.level) * MINUTE_S / self.size)


def _limited(agent: str, what: str, bucket: Bucket, needed: float) -> RateLimited:
    wait = bucket.wait_s(needed)
    return RateLimited(
        f"{agent} has used its {bucket.size} {what} a minute: try again in {wait:.0f} s, or raise"
        f" agents.{agent}.{what}_per_minute",
        retry_after_s=wait,
    )
