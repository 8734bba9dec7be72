"""The feature store as data scientists use it: which features there are, what they mean and hold."""
