"""Corpora that questions are answered from: cut into passages, indexed, searched."""
