"""What was computed once, kept by key: in memory, on this machine, and durably."""
