"""One parser for each field of an order, for files, notebooks and requests alike.

Each file has the scalar form, which defines the field and serves a request. Its columnar form, for
Arrow arrays, is in `features_pkg/orders/columns`.
"""
