"""Work in threads, results in order, never more than so many under way."""

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

T = TypeVar("T")
R = TypeVar("R")


def thread_count() -> int:
    """Return how many processors this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


class Workers:
    """A pool of threads that maps functions over streams.

    Streams may be chained: the outer one pulls from the inner one in the caller's thread, so
    nothing runs ahead of `ahead` results and memory stays bounded.
    """

    def __init__(self, threads: int | None = None) -> None:
        self.threads = threads or thread_count()
        self._pool = ThreadPoolExecutor(self.threads, thread_name_prefix="seeing")

    def map(
        self, function: Callable[[T], R], items: Iterable[T], *, ahead: int, in_rounds: bool = False
    ) -> Iterator[R]:
        """Yield function(item) in the order of `items`, with at most `ahead` under way.

        in_rounds: begin the next `ahead` only when all of the last have been taken, so that
        nothing runs while the caller works on them.
        """
        source = iter(items)
        under_way: deque[Future[R]] = deque()
        try:
            begun = False
            while True:
                while len(under_way) < ahead and not (in_rounds and begun):
                    try:
                        item = next(source)
                    except StopIteration:
                        break
                    under_way.append(self._pool.submit(function, item))
                if not under_way:
                    return
                begun = len(under_way) > 1
                yield under_way.popleft().result()
        finally:
            for future in under_way:
                future.cancel()

    def close(self) -> None:
        """Drop what has not begun and wait for the rest."""
        self._pool.shutdown(wait=True, cancel_futures=True)
