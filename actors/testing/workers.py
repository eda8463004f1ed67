"""Worker processes that share a long search, quietly, and end at once when somebody presses Ctrl-C, or ends their parent."""

import logging
import os
import signal
import threading
from collections.abc import Generator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from multiprocessing import active_children, cpu_count, get_context, parent_process
from typing import Final

import structlog

INTERRUPT: Final = {signal.SIGINT}


@contextmanager
def workers(processes: int | None = None) -> Generator[ProcessPoolExecutor]:
    """A pool of new processes. If the block ends with an error, or is interrupted, they end in the middle of what they do.

    Args:
        processes: how many; None for one for each processor.
    """
    wanted = processes or cpu_count() or 1
    pool = ProcessPoolExecutor(wanted, get_context("spawn"), _begin)
    # They inherit what is blocked while they start: an interrupt is for this process alone.
    before = signal.pthread_sigmask(signal.SIG_BLOCK, INTERRUPT)
    try:
        for _ in range(wanted):
            pool.submit(bool)  # one more starts now
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
        yield pool
    except BaseException:
        for process in active_children():
            process.terminate()
        raise
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
        pool.shutdown(cancel_futures=True)


def _begin() -> None:
    threading.Thread(target=_end_with_parent, daemon=True).start()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))


def _end_with_parent() -> None:
    parent = parent_process()
    assert parent is not None
    parent.join()
    os._exit(1)  # a pool's workers would wait for ever for work from a parent that was killed
