"""Fit a model on a committed training set, measure it on a later hold-out, and save both."""
