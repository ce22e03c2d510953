"""Tests of the profiling floor."""
