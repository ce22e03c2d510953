"""The declarative file: loading it, and validating it against what is installed."""
