"""The table `[alerts]` of claw.toml: from when on a condition is an alert."""

from typing import Annotated

from msgspec import Meta

from backends.settings.section import NotNegative, Positive, Seconds, Section, Share

Times = Annotated[float, Meta(ge=1, le=1000)]


class AlertLimits(Section, frozen=True, kw_only=True):
    clear_after_s: Annotated[
        NotNegative,
        Meta(description="seconds that a condition must be over before its alert ends; one that comes back goes on"),
    ] = 5.0
    failures: Annotated[
        Positive,
        Meta(
            description="requests in a row that no engine answers; one is enough where every engine is known to be down"
        ),
    ] = 3
    error_share: Annotated[
        Share, Meta(description="share of failed requests, of one agent or of all, in 90 seconds")
    ] = 0.2
    error_requests: Annotated[
        Positive, Meta(description="requests in 90 seconds below which no share of errors is an alert")
    ] = 5
    slow_times: Annotated[
        Times, Meta(description="how many times its usual time to a first token, or to write one, makes an engine slow")
    ] = 3.0
    slow_s: Annotated[Seconds, Meta(description="seconds to a first token below which no engine counts as slow")] = 1.0
    silent_times: Annotated[
        Times, Meta(description="how many times its usual time to a first token a call may wait for its first byte")
    ] = 4.0
    silent_s: Annotated[
        Seconds,
        Meta(description="seconds that any call may wait for its first byte, however fast its engine usually is"),
    ] = 2.0
    silent_unknown_s: Annotated[
        Seconds,
        Meta(
            description="seconds that a call may wait for its first byte where nothing is known of its engine, and "
            "for more after it"
        ),
    ] = 20.0
    queue_share: Annotated[Share, Meta(description="share of an engine's queue_limit that waits")] = 0.8
    queue_misses: Annotated[Positive, Meta(description="waiting requests that are expected to miss their deadline")] = 1
    budget_shares: Annotated[
        tuple[Share, ...], Meta(description="shares of a budget's limit at which it is an alert, beside its alert_at")
    ] = (0.5, 0.8, 1.0)
    quota_share: Annotated[
        Share, Meta(description="share of the limit that a provider named for its day at which it is an alert")
    ] = 0.9
    vram_share: Annotated[Share, Meta(description="share of a GPU's memory from which it is nearly full")] = 0.97
    gpu_c: Annotated[Positive, Meta(description="degrees Celsius from which a GPU is too hot")] = 87
    disk_free_gb: Annotated[
        NotNegative, Meta(description="gigabytes free on the ledger's disk below which it is nearly full")
    ] = 2.0
    clock_jump_s: Annotated[Seconds, Meta(description="seconds by which the clock must jump to be an alert")] = 5.0
    hit_share_fall: Annotated[
        Share, Meta(description="part of its usual hit share that the cache must have lost in its last 200 look-ups")
    ] = 0.5
    hit_lookups: Annotated[
        Positive, Meta(description="look-ups, lately and before, below which a fallen hit share is no alert")
    ] = 200
