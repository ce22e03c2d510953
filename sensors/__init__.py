"""Sensors: what makes work start by itself."""

from sensors.new_content import new_content_sensor

SENSORS = (new_content_sensor,)
