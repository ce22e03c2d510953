"""Where the versions of states are kept: files of the home, Redis, or PostgreSQL."""
