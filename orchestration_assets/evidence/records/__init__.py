"""Structured answers against each other: values, aligned entries, and what stands of them."""
