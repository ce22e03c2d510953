"""Questions and verdicts in the formats of other tools for labelling."""
