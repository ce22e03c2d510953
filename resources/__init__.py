"""Every door to the outside world: content, tables, caches, services."""
