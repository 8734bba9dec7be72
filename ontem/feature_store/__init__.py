"""The feature store as data scientists use it: which there are and what they mean."""
