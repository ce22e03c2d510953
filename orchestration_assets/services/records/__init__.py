"""Structured answers read from what content says plainly: labels, found facts, declarations."""
