"""The night: what every entity did before a day, committed as Parquet and published to Redis."""
