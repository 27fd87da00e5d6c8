"""The operator's actions of a core, put together from what it was opened with."""

from collections.abc import Mapping

from backends.bootstrap.resources import Resources
from backends.bootstrap.watchers import watchers
from backends.core.actions import ActionGroups, OperatorActions
from backends.core.alert_actions import AlertActions
from backends.core.answer_actions import AnswerActions
from backends.core.engine_actions import EngineActions
from backends.core.model_adoption import ModelAdoption
from backends.core.rehearsal_actions import RehearsalActions
from backends.core.session_actions import SessionActions
from backends.core.setting_actions import SettingActions
from backends.core.standing_acts import StandingActs
from backends.monitoring.monitoring import Monitoring
from backends.pipeline.pipeline import Pipeline
from backends.pipeline.reload import Reload
from backends.types import EngineName
from backends.upstream.engine_slot import EngineSlot


def operator_actions(
    resources: Resources,
    slots: Mapping[EngineName, EngineSlot],
    monitoring: Monitoring,
    pipeline: Pipeline,
    *,
    rehearsal: bool,
) -> OperatorActions:
    """What of them stands is watched for alerts from now on, and so is what goes by the settings in force."""
    ledger, controls, overrides = resources.ledger, resources.controls, resources.overrides
    reload = Reload(
        resources.settings,
        resources.config,
        pipeline=pipeline,
        calibrations=resources.calibrations,
        rehearsal=rehearsal,
    )
    reload.changed = lambda settings: monitoring.watch.reconfigure(settings.alerts)
    monitoring.watch.add(
        StandingActs(controls, overrides, slots), *watchers(resources, slots, monitoring, lambda: reload.settings)
    )
    groups = ActionGroups(
        engines=EngineActions(slots, engines=resources.engines, controls=controls, ledger=ledger),
        answers=AnswerActions(pipeline=pipeline, ledger=ledger, cache=resources.cache),
        sessions=SessionActions(
            lambda: reload.settings,
            controls=controls,
            ledger=ledger,
            sessions=monitoring.sessions,
            alerts=monitoring.alerts,
        ),
        settings=SettingActions(reload=reload, overrides=overrides, ledger=ledger, monitoring=monitoring),
        adoption=ModelAdoption(
            slots,
            None if rehearsal else resources.config,
            reload=reload,
            models=monitoring.models,
            ledger=ledger,
        ),
        alerts=AlertActions(monitoring.alerts, ledger),
        rehearsal=RehearsalActions(slots, ledger),
    )
    return OperatorActions(
        groups,
        pipeline=pipeline,
        controls=controls,
        ledger=ledger,
        monitoring=monitoring,
        clock=resources.clock,
    )
