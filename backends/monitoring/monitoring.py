"""What a core has for whoever watches it, as one group."""

from msgspec import Struct

from backends.bus import Bus
from backends.envelope.sessions import Sessions
from backends.monitoring.activity import ActivityFeed
from backends.monitoring.alert_lifecycle import Alerts
from backends.monitoring.incident_log import IncidentLog
from backends.monitoring.minute_recorder import MinuteRecorder
from backends.monitoring.model_watch import ModelWatch
from backends.monitoring.past import Past
from backends.monitoring.push import Push
from backends.monitoring.refusals import Refusals
from backends.monitoring.spend_watch import SpendWatch
from backends.monitoring.stats_publisher import StatsPublisher
from backends.monitoring.traffic_window import TrafficWindow
from backends.monitoring.watch import Watch
from backends.telemetry.history import History
from backends.telemetry.sampler import Sampler


class Monitoring(Struct, frozen=True, kw_only=True):
    """Everything here publishes on `bus`. The sampler's readings make up the history."""

    bus: Bus
    activity: ActivityFeed
    refusals: Refusals
    traffic: TrafficWindow
    sessions: Sessions
    alerts: Alerts
    incidents: IncidentLog
    push: Push
    watch: Watch
    stats: StatsPublisher
    models: ModelWatch
    spend_watch: SpendWatch
    sampler: Sampler
    history: History
    minutes: MinuteRecorder
    past: Past
