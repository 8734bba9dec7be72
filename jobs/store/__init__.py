"""What looks after the offline store as a whole."""
