"""Batch work: import orders, build and publish snapshots, build training sets, train models."""
