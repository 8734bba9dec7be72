"""What Arrow says of a Parquet file that has changed, as an error of ours."""

from collections.abc import Iterator
from contextlib import contextmanager

import pyarrow as pa

_OF_STORAGE = "AWS Error"
"""In the text of an error that is the server's, and says nothing of the file's bytes."""


@contextmanager
def damage_is(error: Exception) -> Iterator[None]:
    """Raise `error` where what is read inside is no Parquet file with the columns asked for.

    That includes a page whose checksum is wrong, if the reader was told to look.
    """
    try:
        yield
    except (pa.ArrowInvalid, KeyError):
        raise error from None
    except OSError as found:
        if type(found) is not OSError or _OF_STORAGE in str(found):
            raise
        raise error from None
