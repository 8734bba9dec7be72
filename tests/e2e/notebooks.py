"""Run a notebook of docs/ in a fresh kernel: `python -m tests.e2e.notebooks NOTEBOOK OUTPUT`.

It takes the settings of this process, such as those of a demo. With the same path twice the outputs
that are stored in the repository are replaced. A third word is the tag of cells to leave out.
"""

import os
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import nbformat
from nbclient import NotebookClient

MOST_SECONDS = 900
"""How long one cell may take on a machine that does other things, too."""


def execute(source: Path, output: Path, left_out: str = "") -> None:
    """Run the cells in their order, and write what they gave, also where one fails.

    Raises CellExecutionError.
    """
    notebook = nbformat.read(source, as_version=4)
    client = NotebookClient(
        notebook, timeout=MOST_SECONDS, record_timing=False, skip_cells_with_tag=left_out
    )
    client.create_kernel_manager().transport = "ipc"
    try:
        client.execute()
    finally:
        notebook.metadata.pop("language_info", None)  # it names the version of Python
        nbformat.write(notebook, output)


def main() -> None:
    """Leave nothing in the home of who runs it; a socket's path has to be short."""
    with TemporaryDirectory(prefix="ontem-") as scratch:
        os.environ |= {"JUPYTER_RUNTIME_DIR": scratch, "IPYTHONDIR": scratch}
        source, output, *left_out = sys.argv[1:]
        execute(Path(source), Path(output), *left_out)


if __name__ == "__main__":
    main()
