"""Services for the task ``title``."""
