"""Two sets of features side by side: what differs, and what a switch needs."""
