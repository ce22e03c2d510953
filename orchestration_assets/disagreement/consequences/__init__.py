"""What a difference of two answers would change, kind by kind of answer: pure decisions."""
