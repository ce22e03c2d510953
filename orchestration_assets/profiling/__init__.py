"""What each item looks like: features of its text, its markup and its code, within a deadline.

Plain functions from text to numbers: no files, no network, no model. Start at
:func:`orchestration_assets.profiling.profiler.profile`.
"""
