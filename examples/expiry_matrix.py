"""The expiry matrix of one operation: at which step does the user's token die, and what becomes of a snapshot then?

Each line is a call that carries the user's token; it expires half a second before that call arrives. `python -m actors matrix` has more.

    python examples/expiry_matrix.py
"""

import logging

import structlog

from actors.testing.matrix import Setting, matrix
from actors.testing.operations import OPERATIONS

structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))

if __name__ == "__main__":
    for service_tokens in (False, True):
        print("with service tokens" if service_tokens else "without service tokens")
        for step, outcome in matrix(OPERATIONS["snapshot"], Setting(service_tokens=service_tokens)):
            print(f"  {step.call:<18}{step.sender or 'the user':<20}{step.receiver:<12}{outcome}")
