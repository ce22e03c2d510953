"""Content orchestration on Dagster: profile, select, process, and report disagreement."""

__version__ = "0.1.0"
