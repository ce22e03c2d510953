"""The answer that stands, and who contradicts whom."""
