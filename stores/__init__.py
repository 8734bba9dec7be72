"""The stores that jobs and service share: PostgreSQL, Redis, files; and the settings.

Modules here are imported by their names, not as modules: `from stores.redis.keys import list_key`.
So a function's name says alone which store it means where two have the like: `connect_redis`.
"""
