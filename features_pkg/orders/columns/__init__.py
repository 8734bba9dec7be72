"""The fields of an order in Arrow arrays: of files and of notebooks, never of a request.

Each file has the columnar form of the field of that name (`features_pkg/orders/fields`), and calls
its scalar form for each different value. No request imports this room, or Arrow.
"""
