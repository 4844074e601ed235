"""Standard output and error as this program needs them: no print ends a run, and no character stops one.

A terminal may lack a character (an ASCII one every "é"), a reader may go away (``| head -1``), a stream may be closed
before the program starts (``>&-``: Python then has None for the stream), a disk may be full.
"""

import io
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TextIO

CLOSED = "it is closed"


class Screen(io.TextIOBase):
    """A stream that escapes what its encoding lacks; ``failure`` says why it takes nothing any more, or is None.

    Once it has failed, writing raises the system's error if ``strict`` and does nothing otherwise. One that
    ``is_silent`` shows nothing.
    """

    def __init__(self, stream: TextIO | None) -> None:
        self.stream = stream
        self.failure = CLOSED if stream is None or stream.closed else None
        self.strict = True
        self.is_silent = False

    @property
    def encoding(self) -> str:  # type: ignore[override]
        """The stream's own; a stream without one takes every character."""
        return getattr(self.stream, "encoding", None) or "utf-8"

    def write(self, text: str) -> int:
        """Write what can be shown of ``text``."""
        if self.stream is not None and self.failure is None and not self.is_silent:
            try:
                self.stream.write(text.encode(self.encoding, "backslashreplace").decode(self.encoding))
            except OSError as error:
                self._fail(error)
        return len(text)

    def flush(self) -> None:
        """Flush; what was buffered may fail only now.  Python flushes what it collects, also after its stream."""
        if self.stream is not None and self.failure is None and not self.stream.closed:
            try:
                self.stream.flush()
            except OSError as error:
                self._fail(error)

    def isatty(self) -> bool:
        """Whether there is a terminal."""
        return self.stream is not None and self.failure is None and self.stream.isatty()

    def fileno(self) -> int:
        """The stream's own descriptor."""
        if self.stream is None:
            raise io.UnsupportedOperation("fileno")
        return self.stream.fileno()

    def _fail(self, error: OSError) -> None:
        """Point the descriptor nowhere, so that the interpreter can flush at its end what is still buffered."""
        self.failure = error.strerror or str(error)
        try:
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, self.fileno())
            os.close(nowhere)
        except (OSError, ValueError):  # no descriptor, nothing to flush
            pass
        if self.strict:
            raise error


@contextmanager
def screens() -> Iterator[tuple[Screen, Screen]]:
    """Inside, ``sys.stdout`` and ``sys.stderr`` are screens; an error that cannot be shown is no second error."""
    before = sys.stdout, sys.stderr
    output, errors = Screen(sys.stdout), Screen(sys.stderr)
    errors.strict = False
    sys.stdout, sys.stderr = output, errors
    try:
        yield output, errors
    finally:
        sys.stdout, sys.stderr = before


def one_line(text: str) -> str:
    """The text without line breaks or other characters that a terminal would obey, as a file's name may hold them."""
    return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in text)
