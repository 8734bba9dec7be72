"""Spark writes and reads the offline store's Parquet on a real S3 server."""

import json

import pytest
from pyspark.errors import PySparkException
from pyspark.sql.functions import col, lit, raise_error, spark_partition_id, when

FOLDER = "João 50%/rows #1"


@pytest.fixture
def bucket(s3):
    client = s3.client()
    client.create_bucket(
        Bucket="store", CreateBucketConfiguration={"LocationConstraint": "sa-east-1"}
    )
    yield client
    for key in keys(client):
        client.delete_object(Bucket="store", Key=key)
    client.delete_bucket(Bucket="store")


@pytest.fixture
def folder(bucket):
    return f"s3a://store/{FOLDER}"


def keys(client):
    return [found["Key"] for found in client.list_objects_v2(Bucket="store").get("Contents", [])]


def pending_uploads(client):
    return client.list_multipart_uploads(Bucket="store").get("Uploads", [])


def test_what_spark_writes_it_reads_again(spark, folder):
    spark.range(1000).repartition(4).write.mode("error").parquet(folder)

    rows = spark.read.parquet(folder).orderBy("id").collect()

    assert [row.id for row in rows] == list(range(1000))


def test_a_write_leaves_its_files_under_their_last_names_and_nothing_else(spark, bucket, folder):
    spark.range(1000).repartition(4).write.mode("error").parquet(folder)

    written = {key.removeprefix(f"{FOLDER}/") for key in keys(bucket)}

    parts = {name for name in written if name.startswith("part-") and name.endswith(".parquet")}
    assert len(parts) == 4
    assert written - parts <= {"", "_SUCCESS"}  # "" is the folder's own marker
    assert pending_uploads(bucket) == []


def test_the_committer_copies_no_file(spark, bucket, folder):
    spark.range(10).write.mode("error").parquet(folder)

    success = bucket.get_object(Bucket="store", Key=f"{FOLDER}/_SUCCESS")["Body"].read()

    assert json.loads(success)["committer"] == "magic"


def test_a_write_that_fails_shows_none_of_its_files(spark, bucket, folder):
    rows = spark.range(1000).repartition(4)
    last_fails = rows.select(
        when(spark_partition_id() == 3, raise_error(lit("broken"))).otherwise(col("id"))
    )

    with pytest.raises(PySparkException, match="broken"):
        last_fails.toDF("id").write.mode("error").parquet(folder)

    assert [key for key in keys(bucket) if key.endswith(".parquet")] == []
    assert pending_uploads(bucket) == []


def test_a_folder_of_files_is_written_as_before(spark, storage_folder):
    spark.range(10).coalesce(1).write.mode("error").parquet(f"file://{storage_folder}/rows")

    names = [path.name for path in (storage_folder / "rows").iterdir() if path.name[0] != "."]

    assert [name for name in names if name.endswith(".parquet")] == [
        name for name in names if name != "_SUCCESS"
    ]
    assert (storage_folder / "rows" / "_SUCCESS").is_file()
