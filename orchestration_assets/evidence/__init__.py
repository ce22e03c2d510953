"""What a service's answer is worth."""
