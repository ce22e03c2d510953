"""A service that fails by a script, for tests, benchmarks, the outage drill and the docs."""
