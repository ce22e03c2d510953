"""Splits a text into parts that cover it exactly, one module a way."""
