"""Services for the task ``tone``."""
