"""How well each service is expected to do on an item, learned from earlier outcomes."""
