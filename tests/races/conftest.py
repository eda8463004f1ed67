"""What the tests of races share with those of the cloud."""

from tests.actors.conftest import _silent_logs

__all__ = ["_silent_logs"]
