"""Golden signals: how batches go, what waits, and who is told when that is not as it should be."""
