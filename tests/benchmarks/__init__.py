"""How fast the bus is, beside its peers: ``make bench``, or ``python -m tests.benchmarks --help``.

A machine's speed changes from minute to minute, so what is promised are ratios: all rows of a table are measured in turns
(A B C A B C ...), a ratio is taken within a turn, and the median over all turns is shown. Garbage is collected before
each measurement and never during one. Peers are optional: one that is not installed leaves a gap.
"""
