"""Redis, the online store: timelines that a request reads."""
