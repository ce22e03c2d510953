"""Prompts: templates in a sandbox, and the part of a question that a service is shown."""
