"""Finds credentials and personal data in a text.

Every finder yields spans of the text and takes time linear in its length, for any input.
"""
