"""What every agent does: report that it is alive, and say so when it was thought dead."""

from collections.abc import Callable

import anyio

from actors.errors import CloudError
from actors.neutron.config import NeutronConfig
from actors.neutron.rpc import AGENT_CONTEXT, ReportState
from actors.neutron.states import AgentStatus
from bus.actor import Actor
from bus.errors import BusError


async def report(actor: Actor, agent_type: str, host: str, config: NeutronConfig, revived: Callable[[], None]) -> None:
    """Report every `report_interval` seconds, for ever.

    A report that is not answered within that time is given up, so that a lost answer delays the next one no further.

    Args:
        actor: the agent.
        agent_type: its kind.
        host: where it runs.
        config: the options.
        revived: called when the server had given it up for dead.
    """
    start_flag = True
    while True:
        due = actor.clock.monotonic() + config.report_interval
        request = ReportState(agent_type=agent_type, host=host, time=actor.clock.time(), start_flag=start_flag)
        try:
            status = await actor.bus.ask(request, timeout=config.report_interval, context=AGENT_CONTEXT)
        except (BusError, CloudError):
            pass  # the next report says the same
        else:
            start_flag = start_flag and status is None
            if status is AgentStatus.REVIVED:
                revived()
        await anyio.sleep(max(0.0, due - actor.clock.monotonic()))
