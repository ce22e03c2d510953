"""Vectors, sketches, near-copies and neighbours of each item, computed once per content."""
