"""Tables of orders from pandas, Polars or Arrow, and every feature at each order's own instant."""
