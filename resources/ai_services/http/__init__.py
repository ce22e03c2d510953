"""One request to a service over HTTP: how it is made, sent and read."""
