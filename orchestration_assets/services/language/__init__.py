"""Services for the task ``natural_language``."""
