"""Carrying out plans: asking services one after the other, or all at once."""
