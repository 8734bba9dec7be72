"""Settings whose stores nobody answers for: what needs none must not ask one."""

from stores.settings import Settings

KEY = bytes(range(32))
STORES_NOWHERE = Settings(
    environment="development",
    postgres_url="postgresql://nobody@127.0.0.1:1/nothing",
    redis_url="redis://127.0.0.1:1/0",
    storage_url="file:///nowhere",
    entity_secret=KEY,
    card_key=KEY,
)
