"""What others take for the same work, each in a process of its own on the same cores."""
