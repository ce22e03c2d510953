"""Services for the task ``embedding``: vectors of a content."""
