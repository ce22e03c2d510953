"""Services that answer tasks: the contract, the registry, and one package a task."""
