"""Conversations: the order of their messages over all batches, and what is remembered of them."""
