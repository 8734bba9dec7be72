"""Files, the offline store: Parquet below one root, and the manifests that commit it."""
