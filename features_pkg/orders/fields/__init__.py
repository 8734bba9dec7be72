"""One parser for each field of an order, for files, notebooks and requests alike.

Each file has a scalar form, which defines the field and serves a request, and a columnar form for
Arrow arrays, which calls the scalar one for each different value.
"""
