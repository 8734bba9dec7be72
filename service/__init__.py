"""The online service: `POST /evaluate` answers with a score while the buyer waits."""
