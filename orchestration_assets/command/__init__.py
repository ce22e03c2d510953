"""The ``orchestrate`` command: what it does and what it prints."""
