"""Worker processes that share a long search, quietly, and end at once when somebody presses Ctrl-C."""

import logging
import signal
from collections.abc import Generator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from multiprocessing import cpu_count, get_context

import structlog

INTERRUPT = {signal.SIGINT}


@contextmanager
def workers(processes: int | None = None) -> Generator[ProcessPoolExecutor]:
    """A pool of new processes. What has not begun when the block ends is not done any more.

    Args:
        processes: how many; None for one for each processor.
    """
    pool = ProcessPoolExecutor(processes or cpu_count() or 1, get_context("spawn"), _begin)
    before = signal.pthread_sigmask(signal.SIG_BLOCK, INTERRUPT)
    try:
        pool.submit(bool)  # they start now, and hear of no interrupt until they can end without a traceback
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
        yield pool
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
        pool.shutdown(cancel_futures=True)


def _begin() -> None:
    """In each of the processes, first."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, INTERRUPT)
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
