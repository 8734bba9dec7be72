"""`ontem demo`: the whole of Ontem once, from orders to scores, on a local stack of its own."""
