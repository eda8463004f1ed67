"""The actors: `NovaApi`, `NovaScheduler`, `NovaConductor` and `NovaCompute`."""
