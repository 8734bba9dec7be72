"""Tell the story on a stack of its own: `python -m tests.integration.story --write`.

Without `--write` the blocks are printed; with it they replace those of docs/how-it-works.md.
"""

import sys
import tempfile
from pathlib import Path

from jobs.spark.session import SparkSettings, session
from stores.postgres.migrate import migrate
from tests.integration.story.page import PAGE, with_blocks
from tests.integration.story.tell import tell
from tests.integration.story.world import World
from tests.servers import a_database, servers

PROJECT = PAGE.parents[1]


def main() -> None:
    with (
        tempfile.TemporaryDirectory() as name,
        servers() as found,
        a_database(found.postgres_url) as url,
    ):
        folder = Path(name)
        migrate(url, environment="development")
        jars = PROJECT / ".ontem" / "jars"
        settings = SparkSettings(jars=jars, scratch=folder / "spark", master="local[2]")
        with session("story", settings) as spark:
            spark.conf.set("spark.sql.shuffle.partitions", "2")
            (folder / "storage").mkdir()
            storage_url = (folder / "storage").as_uri()
            blocks = tell(World(url, found.redis_url, storage_url, spark, folder))
    if "--write" in sys.argv[1:]:
        page = PAGE.read_text(encoding="utf-8")
        PAGE.write_text(with_blocks(page, blocks), encoding="utf-8")
    else:
        for name, text in blocks.items():
            sys.stdout.write(f"--- {name}\n{text}")


main()
