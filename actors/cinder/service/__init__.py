"""The actors: `CinderApi`, `CinderScheduler` and `CinderVolume`."""
