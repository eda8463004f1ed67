"""oslo.messaging's fake driver, which OpenStack's own tests use in place of a message broker."""

import warnings
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import attrs

from tests.benchmarks.orders import order
from tests.benchmarks.rounds import Watch


class _Endpoint:
    def order(self, context: dict[str, Any], amount: int, price: int, **_: Any) -> int:
        return amount * price


def calls(callers: int, each: int) -> float:
    """Have a thread for each caller make its calls; seconds."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it is deprecated in many ways
        import oslo_messaging
        from oslo_config import cfg

        cfg.CONF([], default_config_files=[])
        transport = oslo_messaging.get_rpc_transport(cfg.CONF, "fake://")
        target = oslo_messaging.Target(topic="warehouse", server="one")
        server = oslo_messaging.get_rpc_server(transport, target, [_Endpoint()])
        client = oslo_messaging.get_rpc_client(transport, oslo_messaging.Target(topic="warehouse"), timeout=60)
        server.start()

        def call(_: int) -> None:
            for number in range(each):
                msg: Any = order(number)
                client.call({}, "order", **attrs.asdict(msg))

        with ThreadPoolExecutor(callers) as pool, Watch() as watch:
            list(pool.map(call, range(callers)))
        server.stop()
        server.wait()
    return watch.seconds
