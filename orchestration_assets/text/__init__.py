"""Texts: everything that reads or writes a text and touches nothing outside the process."""
