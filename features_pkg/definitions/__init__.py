"""What features there are: velocities and order features as data, and the sets they form."""
