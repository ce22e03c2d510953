"""Tests of the reporting floor."""
