"""What is new in PostgreSQL, appended to the dataset `events` without a value of an identifier."""
