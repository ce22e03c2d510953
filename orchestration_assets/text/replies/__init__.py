"""Replies of services over HTTP, read tolerantly: answers, vectors, token counts, errors."""
