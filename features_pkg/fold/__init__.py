"""The fold state: all that a timeline is made of, so that events can be added to it later.

Two states of an entity are merged into one, and it does not matter how its events were split, in
which order the parts come, or how often they were merged: the state of all events comes out, byte
by byte (`states.py`). A snapshot keeps the state of each entity beside its timeline (`packing.py`),
so that a night reads the events that are new, and no other.
"""
