"""The offline store: runs of plain Parquet below one root, and Iceberg tables that name them."""
