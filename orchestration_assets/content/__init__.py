"""What came in: the ledger of what is known, batches of what is new, and their manifests."""
