"""What was computed once, kept by key."""
