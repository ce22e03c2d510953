"""Services for label tasks of the user's own: by words, and by examples."""
