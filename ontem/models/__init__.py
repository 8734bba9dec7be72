"""`ontem models`: the models that are there, and which of them serves."""
