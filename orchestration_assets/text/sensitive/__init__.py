"""What a text may hold that must not leave the machine: where credentials and personal data stand.

Every finder gives spans of a text, and takes time in proportion to its length, whatever it holds.
"""
