"""Which processing model and which services each item gets, why, and at what price."""
