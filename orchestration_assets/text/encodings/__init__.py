"""From bytes to text: which encoding a content is in, and the evidence for it."""
