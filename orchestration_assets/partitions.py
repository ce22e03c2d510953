"""The only partition dimension: batches of content. Never items."""

import dagster as dg

content_batches = dg.DynamicPartitionsDefinition(name="content_batches")
