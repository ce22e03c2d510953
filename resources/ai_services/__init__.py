"""Services over HTTP: requests, the limits around them, and a server for drills."""
