"""Spark reads Parquet on a real S3 server."""

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

FOLDER = "João 50%/rows #1"


@pytest.fixture
def bucket(s3):
    client = s3.client()
    client.create_bucket(
        Bucket="store", CreateBucketConfiguration={"LocationConstraint": "sa-east-1"}
    )
    yield client
    for found in client.list_objects_v2(Bucket="store").get("Contents", []):
        client.delete_object(Bucket="store", Key=found["Key"])
    client.delete_bucket(Bucket="store")


def test_spark_reads_the_files_of_a_folder_of_any_name(spark, bucket):
    for part in range(4):
        sink = pa.BufferOutputStream()
        pq.write_table(pa.table({"id": range(250 * part, 250 * (part + 1))}), sink)
        content = sink.getvalue().to_pybytes()
        bucket.put_object(Bucket="store", Key=f"{FOLDER}/part-{part}.parquet", Body=content)

    rows = spark.read.parquet(f"s3a://store/{FOLDER}").orderBy("id").collect()

    assert [row.id for row in rows] == list(range(1000))
