"""The feature store as data scientists use it: its features, what they mean, and their values."""
