"""The table `[gateway]` of claw.toml."""

from typing import Annotated, Literal

from msgspec import Meta, field

from backends.settings.section import Seconds, Section


class Gateway(Section, frozen=True, kw_only=True):
    host: Annotated[str, Meta(description="loopback address to listen on")] = "127.0.0.1"
    port: Annotated[Annotated[int, Meta(ge=0, le=65535)], Meta(description="0 takes a free one")] = 8787
    allowed_hosts: Annotated[
        tuple[str, ...], Meta(description="further Host names that callers may use, without port")
    ] = ()
    drain_s: Annotated[Seconds, Meta(description="how long SIGTERM waits for running calls")] = 30.0
    models: Annotated[
        dict[str, str],
        Meta(description='names that clients insist on, as { "gpt-4o-mini" = "auto" }: a route, an agent or a model'),
    ] = field(default_factory=dict)
    unknown_model: Annotated[
        Literal["refuse", "auto"],
        Meta(description="a model's name that nobody knows: refuse with 404, or take as auto"),
    ] = "refuse"
    unknown_agents: Annotated[
        Literal["default", "refuse"] | None,
        Meta(
            description="agents that nobody configured: default (with the rules of agents.default) or refuse; not set:"
            " refuse once an agent is sensitive, or local beyond the two built in"
        ),
    ] = None
    keep_alive_s: Annotated[
        Seconds, Meta(description="silence after which a stream that waits is sent a comment, so that nobody hangs up")
    ] = 15.0
