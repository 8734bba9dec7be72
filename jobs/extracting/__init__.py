"""Taking complete rows out of PostgreSQL."""
