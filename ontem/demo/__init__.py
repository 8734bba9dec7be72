"""`ontem demo`: the whole of Ontem once, from orders to scores, on a database of its own."""
