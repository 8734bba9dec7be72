"""What both the jobs and the service need of a store: settings, PostgreSQL, Redis, files."""
