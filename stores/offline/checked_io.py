"""PyIceberg's files, of which a list of files is looked at before PyIceberg decodes it."""

from io import BytesIO
from typing import cast

from pyiceberg.io import InputFile, InputStream
from pyiceberg.io.pyarrow import PyArrowFile, PyArrowFileIO

from stores.offline.avro_frame import AvroDamaged, check_frame
from stores.offline.errors import NamedDamaged, NamedMissing


class _ListFile(InputFile):
    """A manifest, or a list of them: it is read as a whole, or not at all."""

    def __init__(self, file: PyArrowFile) -> None:
        super().__init__(file.location)
        self._file = file

    def __len__(self) -> int:
        return len(self._file)

    def exists(self) -> bool:
        return self._file.exists()

    def open(self, seekable: bool = True) -> InputStream:  # noqa: FBT001  PyIceberg's
        """Its bytes. Raises NamedMissing, NamedDamaged."""
        table = self.location.split("/")[-3]
        try:
            with self._file.open(seekable) as opened:
                content = opened.read()
            check_frame(content)
        except FileNotFoundError:
            raise NamedMissing(table=table, location=self.location) from None
        except AvroDamaged:
            raise NamedDamaged(table=table, location=self.location) from None
        return cast(InputStream, BytesIO(content))


class CheckedFileIO(PyArrowFileIO):
    """What PyIceberg reads and writes with, by the property `py-io-impl` of the catalogue."""

    def new_input(self, location: str) -> PyArrowFile:
        """The file at a location; of one with rows or metadata nothing is looked at here."""
        found = super().new_input(location)
        return cast(PyArrowFile, _ListFile(found)) if location.endswith(".avro") else found
