"""The ways to compute a vector that must agree: the reference, arrays, one order."""
