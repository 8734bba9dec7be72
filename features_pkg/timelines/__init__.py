"""What a snapshot keeps of an entity: written by the night, read by the request."""
