"""The estimators that a model can be made by, each behind the same interface."""
