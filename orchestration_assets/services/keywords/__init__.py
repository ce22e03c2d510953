"""Services for the task ``keywords``."""
