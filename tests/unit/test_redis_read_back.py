"""Reading back: what a request would not read of a load keeps it from being published."""

import pytest

from stores.redis.errors import ReadBackDiffers
from stores.redis.load_list import Load, LoadList
from stores.redis.new_buckets import new_bucket, next_bucket
from stores.redis.new_versions import NewVersions
from stores.redis.read_back import ReadBack

KEY = b"o:0123456789ab:0123456789ab:{1}4:2"
ONE, TWO = b"entity_1", b"entity_2"
LOADS = tuple(Load(n, n, n * 86_400_000_000, 2, "sum", 4) for n in (1, 2))
BEFORE, AFTER = LoadList(0, LOADS[:1]), LoadList(0, LOADS)
ROWS = {ONE: b"one", TWO: b"two"}
FIRST = new_bucket(KEY, 1, ROWS)
SECOND, _ = next_bucket(FIRST, KEY, ROWS | {TWO: b"two more"}, NewVersions(2, BEFORE))


def check(content: bytes | None, rows: dict[bytes, bytes], *, is_whole: bool = True) -> None:
    ReadBack(LOADS[1], AFTER, is_whole=is_whole).check(7, [KEY], [content], [rows])


def test_what_the_load_says_is_found() -> None:
    check(SECOND, {ONE: b"one", TWO: b"two more"})
    check(FIRST, ROWS)


def test_with_what_is_new_alone_others_may_be_beside_it() -> None:
    check(SECOND, {TWO: b"two more"}, is_whole=False)
    with pytest.raises(ReadBackDiffers, match="2 entities instead of 1"):
        check(SECOND, {TWO: b"two more"})


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (None, "not there"),
        (SECOND[:-1] + b"x", "checksum"),
        (new_bucket(KEY, 3, ROWS), "0 entities instead of 2"),
        (new_bucket(KEY, 1, {ONE: b"one"}), "1 entities instead of 2"),
        (new_bucket(KEY, 1, {ONE: b"1", TWO: b"2"}), "another timeline"),
    ],
    ids=["lost", "damaged", "invisible", "one is lost", "other rows"],
)
def test_another_bucket_is_refused_with_its_group(content: bytes | None, reason: str) -> None:
    with pytest.raises(ReadBackDiffers, match=f"load 2 .* group 7 .*{reason}.*`ontem unpublish`"):
        check(content, ROWS)


@pytest.mark.parametrize("number", [0, 1], ids=["sampled", "not sampled"])
@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (SECOND[:-1] + b"x", "checksum"),
        (new_bucket(KEY, 1, {ONE: b"one"}), "0 entities instead of 1"),
        (new_bucket(KEY, 3, ROWS), "0 entities instead of 1"),
    ],
    ids=["damaged", "lost", "invisible"],
)
def test_of_a_delta_each_entity_is_counted_in_each_bucket(
    content: bytes, reason: str, number: int
) -> None:
    contents, rows = [SECOND] * number + [content], [{TWO: b"two more"}] * (number + 1)
    with pytest.raises(ReadBackDiffers, match=reason):
        ReadBack(LOADS[1], AFTER, is_whole=False).check(7, [KEY] * (number + 1), contents, rows)
