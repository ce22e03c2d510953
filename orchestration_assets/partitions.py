"""The only partition dimension: batches of content. Never items."""

import dagster as dg

content_batches = dg.DynamicPartitionsDefinition(name="content_batches")

BATCH_POOL = "batches"
"""The pool of runs about a batch: its limit says how many of them the daemon starts at once."""
