"""What plug-ins may add beside services and sources: kinds of answer and profile features."""
