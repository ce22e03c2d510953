"""Statistics of answers: distances, consensus, error probabilities, calibration, label models."""
