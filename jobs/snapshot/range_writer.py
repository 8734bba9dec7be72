"""Writing one range of a load's buckets, in whichever process: the job's own or one of Spark's."""

from dataclasses import dataclass, field

from jobs.snapshot.rows import check_rows, read_pieces
from stores.offline.files import Files, open_files
from stores.offline.runs import DataFile, verify_files
from stores.redis.bucket_writer import BucketWriter, WriteCounts
from stores.redis.connection import redis_client
from stores.redis.fence import Fence
from stores.redis.keys import Namespace
from stores.redis.load_list import Load, LoadList
from stores.settings import Settings


@dataclass(frozen=True, slots=True)
class Storage:
    """Where the files of the offline store are, as another process opens them."""

    url: str
    s3_endpoint: str
    s3_region: str

    @classmethod
    def of(cls, settings: Settings) -> "Storage":
        """The storage of these settings."""
        return cls(settings.storage_url, settings.s3_endpoint, settings.s3_region)

    def open(self) -> Files:
        """The files, to be read only."""
        return open_files(self.url, self, writes=False)


@dataclass(frozen=True, slots=True)
class CheckFile:
    """Whether a file of a snapshot is as it was committed; how many bytes its rows have."""

    storage: Storage

    def __call__(self, file: DataFile) -> int:
        """Raises FileMissing, FileDamaged, SnapshotDamaged."""
        files = self.storage.open()
        verify_files(files, [file])
        return check_rows(files, file)


@dataclass(frozen=True, slots=True, kw_only=True)
class WriteRange:
    """Writes the places of a range. A run with this fence may do so more than once.

    `links` has the files of each link of the load's chain, newest first; `load_list` is the list
    before the load. With `is_whole` the links have all entities of the load, without, those that
    are new.
    """

    redis_url: str = field(repr=False)
    storage: Storage
    namespace: Namespace
    fence: Fence
    load: Load
    load_list: LoadList
    links: tuple[tuple[DataFile, ...], ...]
    is_whole: bool

    def __call__(self, places: tuple[int, int]) -> WriteCounts:
        """Raises PublishRefused, OfflineError, SnapshotDamaged."""
        with redis_client(self.redis_url) as client:
            writer = BucketWriter(
                client,
                self.namespace,
                self.fence,
                load=self.load,
                load_list=self.load_list,
                is_whole=self.is_whole,
            )
            files = self.storage.open()
            return writer.write(read_pieces(files, self.links, self.load.buckets, *places))
