"""The offline store on a real disk: what is committed stays, and nothing else is read."""

import signal
import subprocess
import sys
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from multiprocessing import get_context
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from stores.files.manifest import (
    FileDamaged,
    Manifest,
    ManifestMissing,
    ManifestUnreadable,
    Slot,
    commit_manifest,
    describe_files,
    newest_revision,
    provenance,
    read_manifest,
    run_folder,
    verify_files,
)
from stores.files.store import FileMissing, OfflineStore, StorageUnusable, open_store

SLOT = Slot("snapshot", "0123456789ab", "2018-06-01")


@dataclass(frozen=True, slots=True)
class Facts:
    note: str
    watermark: int | None = None


def a_manifest(note: str = "first", **changes: object) -> Manifest[Facts]:
    values: dict[str, object] = {
        "slot": SLOT,
        "run": "r1",
        "files": (),
        "facts": Facts(note),
        "provenance": provenance(at=datetime(2018, 6, 1, tzinfo=UTC), by="test"),
    }
    return Manifest(**(values | changes))  # type: ignore[arg-type]


@pytest.fixture
def store(tmp_path: Path) -> OfflineStore:
    return open_store(tmp_path.as_uri())


def a_run(store: OfflineStore, root: Path, run: str, rows: int = 3) -> str:
    folder = run_folder("snapshot", run)
    (root / folder).mkdir(parents=True)
    pq.write_table(pa.table({"n": range(rows)}), root / folder / "part-0.parquet")
    return folder


def test_a_key_keeps_its_first_bytes(store: OfflineStore) -> None:
    assert store.create("a/b.json", b"first")
    assert not store.create("a/b.json", b"second")

    with store.open("a/b.json") as file:
        assert file.read() == b"first"


def test_a_second_file_under_a_key_leaves_no_draft_behind(
    store: OfflineStore, tmp_path: Path
) -> None:
    store.create("a/b.json", b"first")
    store.create("a/b.json", b"second")

    assert [path.name for path in (tmp_path / "a").iterdir()] == ["b.json"]


def test_revisions_count_up_and_old_ones_stay_readable(store: OfflineStore) -> None:
    keys = [
        commit_manifest(store, a_manifest(note)) for note in ("one", "two", "three", "four", "five")
    ]

    assert [key[-11:-5] for key in keys] == ["000001", "000002", "000003", "000004", "000005"]
    assert read_manifest(store, keys[1], Facts).facts.note == "two"
    assert newest_revision(store, SLOT) == 5


def test_each_slot_counts_its_own_revisions(store: OfflineStore) -> None:
    commit_manifest(store, a_manifest())

    assert newest_revision(store, Slot("snapshot", "0123456789ab", "2018-06-02")) == 0
    assert newest_revision(store, Slot("snapshot", "ba9876543210", "2018-06-01")) == 0


def _commit_some(root: str, writer: int) -> list[str]:
    store = open_store(root)
    return [commit_manifest(store, a_manifest(f"{writer}.{turn}")) for turn in range(10)]


def test_writers_at_the_same_time_get_different_revisions(
    store: OfflineStore, tmp_path: Path
) -> None:
    with ProcessPoolExecutor(2, mp_context=get_context("fork")) as pool:
        lists = list(pool.map(_commit_some, [tmp_path.as_uri()] * 2, range(2)))

    written = {key: f"{w}.{t}" for w, keys in enumerate(lists) for t, key in enumerate(keys)}
    assert len(written) == 20
    assert {key: read_manifest(store, key, Facts).facts.note for key in written} == written
    assert newest_revision(store, SLOT) == 20


KILLED = """
import sys
from pathlib import Path
from stores.files.store import open_store
sys.path.insert(0, sys.argv[2])
from test_offline import a_manifest, a_run, commit_manifest
store = open_store(Path(sys.argv[1]).as_uri())
a_run(store, Path(sys.argv[1]), "killed")
print("written", flush=True)
sys.stdin.read()
commit_manifest(store, a_manifest("never"))
"""


def test_a_run_that_is_killed_before_its_manifest_changes_nothing(
    store: OfflineStore, tmp_path: Path
) -> None:
    first = commit_manifest(store, a_manifest("first"))
    process = subprocess.Popen(
        [sys.executable, "-c", KILLED, str(tmp_path), str(Path(__file__).parent)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        cwd=Path(__file__).parents[2],
    )
    assert process.stdout is not None
    assert process.stdin is not None
    with process.stdin, process.stdout:
        assert process.stdout.readline() == b"written\n"
        process.send_signal(signal.SIGKILL)
        process.wait()

    assert newest_revision(store, SLOT) == 1
    assert read_manifest(store, first, Facts).facts.note == "first"
    assert commit_manifest(store, a_manifest("again")).endswith("000002.json")


def test_a_manifest_says_what_its_files_hold(store: OfflineStore, tmp_path: Path) -> None:
    files = describe_files(store, a_run(store, tmp_path, "r1", rows=7))
    key = commit_manifest(store, a_manifest(files=files))

    manifest = read_manifest(store, key, Facts)
    assert manifest.rows == 7
    assert manifest.bytes == (tmp_path / files[0].key).stat().st_size
    verify_files(store, manifest.files)


def test_a_flipped_bit_in_a_file_is_found(store: OfflineStore, tmp_path: Path) -> None:
    files = describe_files(store, a_run(store, tmp_path, "r1"))
    path = tmp_path / files[0].key
    content = bytearray(path.read_bytes())
    content[10] ^= 1
    path.write_bytes(content)

    with pytest.raises(FileDamaged, match=r"part-0\.parquet has sha256"):
        verify_files(store, files)


def test_a_file_that_is_missing_is_named(store: OfflineStore, tmp_path: Path) -> None:
    files = describe_files(store, a_run(store, tmp_path, "r1"))
    (tmp_path / files[0].key).unlink()

    with pytest.raises(FileMissing, match=r"part-0\.parquet"):
        verify_files(store, files)


def test_a_revision_that_was_never_committed_is_refused(store: OfflineStore) -> None:
    with pytest.raises(ManifestMissing, match="000001"):
        read_manifest(store, SLOT.key(1), Facts)


@pytest.mark.parametrize(
    "content", [b"", b"{}", b'{"slot": 1}', b"\xff", b'{"layout": 1, "facts": {"note": 3}}']
)
def test_a_manifest_that_is_not_one_is_refused(store: OfflineStore, content: bytes) -> None:
    store.create(SLOT.key(1), content)

    with pytest.raises(ManifestUnreadable, match="000001"):
        read_manifest(store, SLOT.key(1), Facts)


def test_a_manifest_of_another_layout_is_refused(store: OfflineStore) -> None:
    key = commit_manifest(store, a_manifest(layout=2))

    with pytest.raises(ManifestUnreadable, match="layout 2"):
        read_manifest(store, key, Facts)


def test_a_key_that_leads_out_of_the_root_is_refused(store: OfflineStore) -> None:
    with pytest.raises(StorageUnusable, match="leads out"):
        store.create("../outside.json", b"x")


@pytest.mark.parametrize("url", ["s3://bucket/x", "file://host/x", "/plain/path"])
def test_other_kinds_of_storage_are_refused_by_name(url: str) -> None:
    with pytest.raises(StorageUnusable, match="supported"):
        open_store(url)


def test_a_root_that_is_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    with pytest.raises(StorageUnusable, match="exists"):
        open_store((tmp_path / "file").as_uri())
