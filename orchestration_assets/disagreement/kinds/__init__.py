"""Kinds of disagreement: what sets readings apart, found with a score and said in words."""
