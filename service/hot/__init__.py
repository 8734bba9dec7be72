"""Entities that do more than a request can read: a process holds most of what they did lately.

docs/adr/0037-hot-entities.md says why what is held, and the rows that a request reads, are exactly
what the snapshot of its statement has.
"""
