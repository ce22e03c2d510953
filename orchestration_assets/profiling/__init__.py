"""Profiles of items: features of text, markup and code, within a deadline.

Plain functions from text to numbers: no files, no network, no model. Start at
:func:`orchestration_assets.profiling.profiler.profile`.
"""
