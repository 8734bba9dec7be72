"""Every order of a period with the features serving would have given it, and its label."""
