"""`ontem store clean` on a bucket: many files, calls that are allowed, calls that fail."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from jobs.exit_codes import exit_code
from jobs.store.errors import CleanIncomplete
from stores.offline.errors import TablesUnknown
from tests.integration.cleaning_shop import (
    FOREVER,
    TRAINING,
    CleaningShop,
    a_cleaning_shop,
    a_day,
)
from tests.integration.offline_runs import Place
from tests.integration.s3_jobs import FOLDER, Bucket, a_proxied_bucket
from tests.s3 import S3Server
from tests.s3_policy import allows, policy_file, requests_of


@pytest.fixture
def bucket(s3: S3Server) -> Iterator[Bucket]:
    with a_proxied_bucket(s3) as made:
        yield made


@pytest.fixture
def shop(bucket: Bucket, database_url: str, tmp_path: Path) -> Iterator[CleaningShop]:
    place = Place(
        database_url, bucket.url, "postgres", bucket.proxy.endpoint, bucket.variables["AWS_REGION"]
    )
    with a_cleaning_shop(place, tmp_path) as made:
        for slot in (a_day(1), TRAINING, TRAINING):
            made.commit(slot)
        yield made


def test_more_files_than_a_page_has_go_in_few_calls(shop: CleaningShop, bucket: Bucket) -> None:
    client = bucket.s3.client()
    for number in range(1_005):
        key = f"{FOLDER}/runs/events/dead/part-{number:05}.parquet"
        client.put_object(Bucket=bucket.name, Key=key, Body=b"x")
    bucket.proxy.calls.clear()

    done = shop.clean()

    assert sum(each.key.startswith("runs/events/dead/") for each in done.removable) == 1_005
    assert bucket.keys("runs/events/dead/") == []
    assert sum("delete" in call.query for call in bucket.proxy.calls) == 2
    shop.check_whole()


def test_every_call_is_allowed_to_the_role_of_the_night(shop: CleaningShop, bucket: Bucket) -> None:
    shop.write(a_day(2), [b"of a killed run"])
    shop.store.files.write(f"tables/{TRAINING.table}/metadata/snap-dead.avro", b"x")
    bucket.proxy.calls.clear()

    shop.clean(expire=FOREVER)

    policy = policy_file("night-role", bucket=bucket.name, folder=FOLDER)
    requests = [request for call in bucket.proxy.calls for request in requests_of(call)]
    assert [request for request in requests if not allows(policy, request)] == []
    assert any(action == "s3:DeleteObject" for action, _, _ in requests)


def test_what_can_not_be_removed_is_said_and_the_rest_goes(
    shop: CleaningShop, bucket: Bucket
) -> None:
    stuck = shop.write(a_day(2), [b"of a killed run"])
    free = shop.write(a_day(2), [b"of another one"])
    named = set(shop.store.files.list("runs")) - {stuck.files[0].key, free.files[0].key}
    bucket.proxy.fail("403", lambda call: stuck.files[0].key.encode() in call.body, times=9)

    with pytest.raises(CleanIncomplete, match=r"1 of 2 removals failed.*again") as failed:
        shop.clean()
    assert exit_code(failed.value) == 1
    assert set(shop.store.files.list("runs")) == named | {stuck.files[0].key}

    bucket.proxy.recover()
    shop.clean()
    assert set(shop.store.files.list("runs")) == named
    shop.check_whole()


def test_a_server_that_fails_while_it_lists_removes_nothing(
    shop: CleaningShop, bucket: Bucket
) -> None:
    shop.write(a_day(2), [b"of a killed run"])
    before = set(bucket.keys())
    bucket.proxy.fail("403", lambda call: "list-type" in call.query, times=99)

    with pytest.raises(OSError, match="ACCESS_DENIED"):
        shop.clean(expire=FOREVER)
    assert set(bucket.keys()) == before


def test_keys_that_are_no_paths_are_said_and_the_rest_goes(
    shop: CleaningShop, bucket: Bucket
) -> None:
    free = shop.write(a_day(2), [b"of a killed run"])
    odd = ["runs//a", "runs/a/../b/c", "runs/./a/b/c", f"tables/{TRAINING.table}/metadata//a"]
    for key in odd:
        bucket.s3.client().put_object(Bucket=bucket.name, Key=f"{FOLDER}/{key}", Body=b"x")
    before = set(bucket.keys())

    with pytest.raises(CleanIncomplete, match=r"4 of 5 .* not a path: remove it with another tool"):
        shop.clean()

    assert before - set(bucket.keys()) == {free.files[0].key}
    shop.check_whole()
    bucket.s3.client().put_object(Bucket=bucket.name, Key=f"{FOLDER}/tables//a", Body=b"x")
    with pytest.raises(TablesUnknown, match="nothing was removed"):
        shop.clean()
