"""Figures beside peers or limits: ``python -m benchmarks NAME``."""
