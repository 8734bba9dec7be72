"""What happened, in the shape that each engine reads."""
