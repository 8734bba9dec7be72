"""Every order of a period, with the features that serving would have given it and its label."""
