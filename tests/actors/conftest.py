"""What every test of the cloud shares: log calls are made, as with any configuration, and nothing is printed."""

from collections.abc import Generator
from typing import Any, NoReturn

import pytest
import structlog


def _drop(logger: Any, name: str, event: Any) -> NoReturn:
    raise structlog.DropEvent


@pytest.fixture(autouse=True)
def _silent_logs() -> Generator[None]:
    before = structlog.get_config()
    structlog.configure(processors=[_drop], wrapper_class=structlog.make_filtering_bound_logger(0))
    yield
    structlog.configure(**before)
