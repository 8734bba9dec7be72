"""Batch: read, transform, write. Import and generate orders, snapshots, training sets, models."""
