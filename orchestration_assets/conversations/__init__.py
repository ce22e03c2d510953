"""Conversations: what is remembered of the messages of a thread."""
