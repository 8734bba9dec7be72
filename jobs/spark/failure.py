"""An error of Spark, its Java or a worker as a sentence, and its traceback in a file."""

import os
import re
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from py4j.protocol import Py4JError
from pyspark.errors import PySparkException

from jobs.errors import JobError
from stores.offline.errors import CAN_PASS

TRACEBACK: Final = "traceback.txt"
"""The name of the file, in the folder of Spark's scratch files."""

_SPEAKING: Final = ("java.io.", "java.net.", "java.nio.", "java.lang.")
"""Whose messages name no value of a row."""
_OURS: Final = re.compile(r"^(?:features_pkg|jobs|stores)\.[\w.]+: (.+)$", re.MULTILINE)
_JAVA: Final = re.compile(r"((?:org|java|com)\.[\w.$]+(?:Exception|Error))\b(?:: ([^\n]*))?")
_INDENTED: Final = re.compile(r"^[ \t].*$", re.MULTILINE)
"""Of Java's traces the frames, and what it suppressed: an earlier attempt is no cause."""
_CAUSE: Final = re.compile(r"\s*(?:Caused by|Suppressed): ([\w.$]+)")
_PYTHON_FRAME: Final = re.compile(r'^ *File "[^"]*?([^"/]+\.py)", line (\d+)', re.MULTILINE)
_PYTHON_ERROR: Final = re.compile(r"^([\w.]+)(?::.*)?$")
_OF_SYSTEM: Final = re.compile(r"\[Errno (\d+)\]")
_OF_S3: Final = re.compile(r"AWS Error [A-Z_]+")
_S3A: Final = "org.apache.hadoop.fs.s3a."
_S3A_CAN_PASS: Final = re.compile(
    r"s3a\.(?:AWSApiCallTimeout|AWSNoResponse|AWSServiceThrottled|AWSStatus500|HttpChannelEOF)"
    r"Exception\b"
    r"|java\.net\.(?:Connect|NoRouteToHost|Socket|SocketTimeout|UnknownHost)Exception\b"
    r"|\bUnable to execute HTTP request\b|\bStatus Code: (?:429|5\d\d)\b"
)
"""What S3A and Java's SDK of AWS say of a server that is away, out of order, or asked too often."""
_LOST_WORKER: Final = "Python worker exited unexpectedly"
_CONDITION: Final = re.compile(r"^\[[\w.]+\] ([^\n]*)")


class SparkFailed(JobError):
    """Spark could not finish a job; nothing of it is committed."""

    remedy = "put that right and run the same command again"

    def __init__(self, *, reason: str, path: Path) -> None:
        super().__init__(
            f"Spark did not finish ({reason}), and nothing is committed: {self.remedy}; where it "
            f"failed is in {path}"
        )
        self.reason, self.path = reason, path


class SparkLostStorage(SparkFailed):
    """S3 did not finish a request of Spark or a worker, of a kind that can pass by itself."""

    remedy = "run the same command again when S3 answers"


@contextmanager
def spark_failures(scratch: Path) -> Iterator[None]:
    """Inside, an error of Spark becomes SparkFailed; its traceback goes to a file in `scratch`.

    Where S3 did not answer Java or a worker, that is SparkLostStorage.
    """
    try:
        yield
    except (Py4JError, PySparkException, ConnectionError) as error:
        text = f"{error}\nCaused by: {getattr(error, '_cause', None)}"
        frames = "".join(traceback.format_tb(error.__traceback__))
        scratch.mkdir(parents=True, exist_ok=True)
        path = scratch / TRACEBACK
        path.write_text(frames + without_values(text), encoding="utf-8")
        kind = SparkLostStorage if _is_of_storage(text) else SparkFailed
        raise kind(reason=reason_of(text), path=path) from None


def reason_of(text: str) -> str:
    """The innermost cause that an error's text names, in one line, without a value of a row.

    A refusal of ours that a worker raised is its sentence. Of another error in a worker only the
    class and the line of code are told, because its message may quote an order; and what the
    operating system or S3 calls it, such as a full disk.
    """
    if refusal := _OURS.search(text):
        return refusal[1]
    if frames := _PYTHON_FRAME.findall(text):
        file, line = frames[-1]
        name, cause = _python_error(text)
        return f"{name} in a worker, at {file}:{line}{cause and f': {cause}'}"
    if _LOST_WORKER in text:
        return "one of its Python workers was ended from outside, perhaps for want of memory"
    if causes := _JAVA.findall(_INDENTED.sub("", text)):
        name, message = causes[-1]
        if message and name.startswith(_SPEAKING):
            return f"{name.rpartition('.')[2]}: {message.rstrip('.')}"
        return str(name.rpartition(".")[2])
    condition = _CONDITION.match(text)
    return condition[1] if condition else "its Java process has ended"


def without_values(text: str) -> str:
    r"""The lines of a traceback that say where, and the classes of errors, without their messages.

    >>> without_values('  File "a.py", line 1, in f\nValueError: ana@example.com\nof 1 June')
    '  File "a.py", line 1, in f\nValueError\n'
    """
    lines = []
    for line in text.splitlines():
        if line.startswith((" ", "\t", "Traceback", "Caused by: ")):
            lines.append(_shortened(line))
        elif error := _PYTHON_ERROR.match(line):
            lines.append(line if _OURS.match(line) else error[1])
    return "\n".join(lines) + "\n"


def _is_of_storage(text: str) -> bool:
    """Whether an error's text says that S3 did not answer, which can pass: as Arrow or S3A do."""
    if CAN_PASS.search(text):
        return True
    return _S3A in text and _S3A_CAN_PASS.search(_INDENTED.sub("", text)) is not None


def _shortened(line: str) -> str:
    """The line; of a Java cause whose message may quote a row, only the class."""
    cause = _CAUSE.match(line)
    return line if cause is None or cause[1].startswith(_SPEAKING) else cause[0]


def _python_error(text: str) -> tuple[str, str]:
    """The class of the error that ended the last Python traceback, and what a system calls it."""
    after = text[[match.end() for match in _PYTHON_FRAME.finditer(text)][-1] :].splitlines()[1:]
    for line in after:
        if error := _PYTHON_ERROR.match(line):
            return error[1].rpartition(".")[2], _system_cause(line)
    return "an error", ""


def _system_cause(message: str) -> str:
    """What the operating system or S3 calls the cause; empty where the message has none of it."""
    if number := _OF_SYSTEM.search(message):
        return os.strerror(int(number[1]))
    found = _OF_S3.search(message)
    return found[0] if found else ""
