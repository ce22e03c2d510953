"""Services over HTTP: how one request is made and read. What happens around it is elsewhere."""
