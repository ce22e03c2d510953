"""Limits and retries around a service: budgets, rates, circuit breakers, timeouts."""
