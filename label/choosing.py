"""A chooser that is asked while the person looks: its answer comes when it comes."""

import threading
from collections.abc import Callable, Mapping, Sequence

Chooser = Callable[[Mapping[int, str], int], Sequence[int]]
"""Called with this person's answers by content, and how many are wanted: contents, best first."""


class Choosing:
    """One question to a chooser at a time, answered in a thread.

    on_ready() is called from that thread. The thread ends with the process.
    """

    def __init__(self, chooser: Chooser, on_ready: Callable[[], None] | None = None) -> None:
        self._chooser = chooser
        self.on_ready = on_ready
        self._thread: threading.Thread | None = None
        self._chosen: Sequence[int] | Exception = ()

    @property
    def asked(self) -> bool:
        """Whether a question was asked whose answer nobody has taken."""
        return self._thread is not None

    @property
    def ready(self) -> bool:
        """Whether an answer is there to be taken without waiting."""
        return self._thread is not None and not self._thread.is_alive()

    def ask(self, answers: Mapping[int, str], n: int) -> None:
        """Ask for n contents; answers is not to be changed any more."""
        self._thread = threading.Thread(target=self._choose, args=(answers, n), daemon=True)
        self._thread.start()

    def take(self) -> Sequence[int]:
        """Return what was chosen, waiting for it; raises what the chooser raised."""
        assert self._thread is not None
        self._thread.join()
        self._thread = None
        if isinstance(self._chosen, Exception):
            raise self._chosen
        return self._chosen

    def _choose(self, answers: Mapping[int, str], n: int) -> None:
        try:
            self._chosen = self._chooser(answers, n)
        except Exception as problem:
            self._chosen = problem
        if self.on_ready:
            self.on_ready()
