"""Spark: the session, how it reads PostgreSQL, and Arrow functions over its tables."""
