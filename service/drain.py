"""Whether this service is about to stop, known to all of its processes."""

import mmap


class Drain:
    """A flag in memory that the processes share which are forked after it was made."""

    def __init__(self) -> None:
        self._flag = mmap.mmap(-1, 1)

    def begin(self) -> None:
        """Have all processes say that they are not ready."""
        self._flag[0] = 1

    @property
    def has_begun(self) -> bool:
        """Whether the service stops soon."""
        return bool(self._flag[0])
