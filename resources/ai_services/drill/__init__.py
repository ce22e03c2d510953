"""A service that fails as it is told to: for tests, benchmarks, the outage drill, and the docs."""
