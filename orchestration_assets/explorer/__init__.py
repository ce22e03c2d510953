"""The explorer of a home: pages over all its batches, and review by keyboard."""
