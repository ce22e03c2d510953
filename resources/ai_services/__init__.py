"""Services that answer tasks: the contract and the embedded services."""
