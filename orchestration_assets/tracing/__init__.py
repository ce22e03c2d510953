"""What happened to a batch and its items as a trace: spans, events and measurements."""
