"""For tests of clouds: invariants, rest, and (with Hypothesis) strategies, workloads and a machine that runs them."""
