"""Sensors: what makes work start by itself, and what is said when it fails."""

from sensors.alerts import alerts_sensor
from sensors.deferred_questions import deferred_questions_sensor
from sensors.new_content import new_content_sensor
from sensors.policy import policy_sensor
from sensors.review_feedback import review_feedback_sensor
from sensors.run_failures import run_failure_sensor
from sensors.traces import trace_sensor

SENSORS = (
    new_content_sensor,
    deferred_questions_sensor,
    policy_sensor,
    review_feedback_sensor,
    run_failure_sensor,
    alerts_sensor,
    trace_sensor,
)
