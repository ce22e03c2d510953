"""What keeps a service's bad day from becoming ours: pure decisions, each in its own module."""
