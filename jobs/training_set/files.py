"""Files of a training set as a worker writes them."""

import hashlib
import uuid
from typing import Final

import pyarrow as pa
import pyarrow.parquet as pq

from stores.offline.files import Files
from stores.offline.runs import DataFile

ROWS_OF_A_GROUP: Final = 2**16
"""The rows of a row group: a reader has the compressed columns of one in memory."""
_OFTEN_THE_SAME: Final = ["label_reason"]


def write_rows(files: Files, name: str, rows: pa.Table) -> DataFile:
    """Write rows; the file, of a name that begins so and that no other attempt has."""
    key = f"{name}-{uuid.uuid4().hex}.parquet"
    sink = pa.BufferOutputStream()
    pq.write_table(
        rows,
        sink,
        compression="zstd",
        row_group_size=ROWS_OF_A_GROUP,
        use_dictionary=_OFTEN_THE_SAME,
        write_page_checksum=True,
    )
    content = memoryview(sink.getvalue())
    files.write(key, content)
    sha256 = hashlib.sha256(content).hexdigest()
    return DataFile(key=key, rows=rows.num_rows, bytes=len(content), sha256=sha256)
