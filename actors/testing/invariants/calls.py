"""S18, S19, S24, L8, L9: what becomes of calls."""

from typing import Any, ClassVar

from actors.calls import ApiRequest, Rpc
from actors.cinder.messages import DeleteVolume
from actors.errors import (
    BadRequest,
    CloudError,
    Conflict,
    Forbidden,
    InternalError,
    NotFound,
    Unauthorized,
    Unavailable,
)
from actors.glance.messages import DeleteImage
from actors.ids import ProviderId, ServerId
from actors.neutron.messages import DeletePort
from actors.nova.messages.servers import CreateServer, DeleteServer
from actors.nova.models import Instance
from actors.nova.states import TaskState, VmState
from actors.testing.invariants.base import Invariant
from actors.testing.invariants.capacity import BUILDS
from actors.testing.invariants.hearing import Answer
from bus.errors import BusError
from bus.message import Request


class AtMostOnce(Invariant):
    """S18."""

    name: ClassVar[str] = "S18"
    title: ClassVar[str] = "at most once"
    statement: ClassVar[str] = (
        "A request takes effect once at most: none is handled twice, and no server is made anew after its end."
    )
    matters: ClassVar[str] = "One boot makes two servers; a deleted server comes back."

    def observe(self) -> None:
        self._handled: set[int] = set()
        self.watch.hear_answers(self._answered, ApiRequest, Rpc)
        self.watch.hear_table(self.stores.nova, "instances", self._changed)

    def _answered(self, answer: Answer) -> None:
        if answer.id in self._handled:
            self.demand(False, f"{answer.by} handled {type(answer.message).__name__} (message {answer.id}) again")
        self._handled.add(answer.id)

    def _changed(self, uuid: ServerId, old: Instance | None, new: Instance | None) -> None:
        if old is None and new is not None:
            self.demand(uuid not in self.stores.nova.deleted, f"server {new.display_name} ({uuid}) is made anew")


class NoLostUpdate(Invariant):
    """S19."""

    name: ClassVar[str] = "S19"
    title: ClassVar[str] = "no lost update"
    statement: ClassVar[str] = (
        "A write that rests on what another has changed since is refused: generations grow by one with each write, a task begins on a "
        "server that has none and goes on from its own last step, and a server that is being deleted goes on to nothing else, unless it "
        "fails."
    )
    matters: ClassVar[str] = "Two who act at once both believe that they were first."

    def observe(self) -> None:
        placement = self.stores.placement
        self._providers: dict[ProviderId, int] = {}
        self.watch.hear_method(placement, "replace_allocations", self._allocated)
        for method in ("set_inventories", "set_traits", "set_aggregates"):
            self.watch.hear_method(placement, method, self._written)
        self.watch.hear_table(self.stores.nova, "instances", self._server_changed)

    def _written(self, provider: Any, *_: Any, **__: Any) -> None:
        self._providers[provider.uuid] = provider.generation

    def _allocated(self, done: bool, wanted: Any, seen: Any) -> None:  # noqa: FBT001 (what the method returned)
        if not done:
            return
        generations: dict[ProviderId, int] = seen
        for uuid, generation in generations.items():
            now = self.stores.placement.providers[uuid].generation
            known: int = self._providers.get(uuid, generation)
            self._providers[uuid] = now
            self.demand(
                generation == known and now == known + 1,
                f"allocations were written to provider {uuid} by whoever had seen generation {generation}, over {known}",
            )

    def _server_changed(self, uuid: ServerId, old: Instance | None, new: Instance | None) -> None:
        if old is None or new is None or old.task_state is new.task_state:
            return
        before, now = old.task_state, new.task_state
        if before is TaskState.DELETING:
            ends = now is None and new.vm_state in (VmState.DELETED, VmState.ERROR)
            self.demand(ends, f"server {new.display_name} was being deleted, and is {new.vm_state}, {now} now")
        elif now is not None:
            expected = BEFORE.get(now)
            self.demand(
                expected is None or before in expected, f"server {new.display_name} was {before}, and is {now} now"
            )


SOFT = (TaskState.REBOOTING, TaskState.REBOOT_PENDING, TaskState.REBOOT_STARTED)
BEFORE: dict[TaskState, tuple[TaskState | None, ...]] = {
    TaskState.SCHEDULING: (None, *BUILDS),
    TaskState.NETWORKING: (None,),
    TaskState.BLOCK_DEVICE_MAPPING: (None, TaskState.NETWORKING),
    TaskState.SPAWNING: (TaskState.BLOCK_DEVICE_MAPPING,),
    TaskState.IMAGE_SNAPSHOT_PENDING: (None,),
    TaskState.IMAGE_SNAPSHOT: (TaskState.IMAGE_SNAPSHOT_PENDING,),
    TaskState.IMAGE_PENDING_UPLOAD: (TaskState.IMAGE_SNAPSHOT,),
    TaskState.IMAGE_UPLOADING: (TaskState.IMAGE_PENDING_UPLOAD,),
    TaskState.REBOOTING: (None,),
    TaskState.REBOOT_PENDING: (TaskState.REBOOTING,),
    TaskState.REBOOT_STARTED: (TaskState.REBOOT_PENDING,),
    TaskState.REBOOTING_HARD: (None, *SOFT),
    TaskState.REBOOT_PENDING_HARD: (TaskState.REBOOTING_HARD,),
    TaskState.REBOOT_STARTED_HARD: (TaskState.REBOOT_PENDING_HARD,),
    TaskState.POWERING_OFF: (None,),
    TaskState.POWERING_ON: (None,),
    TaskState.MIGRATING: (None,),
}
"""Task states from which another may be reached (what nova's `compute/api.py` and `compute/manager.py` expect); those that are not
here may be reached from any."""


class ErrorContract(Invariant):
    """S24."""

    name: ClassVar[str] = "S24"
    title: ClassVar[str] = "error contract"
    statement: ClassVar[str] = (
        "Who loses a race is told 403, 404 or 409, never 500; and no request makes a service crash."
    )
    matters: ClassVar[str] = "Clients cannot tell what is theirs to mend, and operators read stack traces."

    def observe(self) -> None:
        self.watch.hear_answers(self._answered, ApiRequest, Rpc)
        self.watch.hear_notes(self._noted)

    def _answered(self, answer: Answer) -> None:
        error = answer.error
        if error is None:
            return
        ours = not isinstance(error, (CloudError, BusError))
        failed = issubclass(type(answer.message), ApiRequest) and isinstance(error, InternalError)
        self.demand(
            not ours and not failed,
            f"{answer.by} answered {type(answer.message).__name__} with {type(error).__name__}: {error}",
        )

    def _noted(self, kind: str, name: str, detail: str) -> None:
        if kind == "crashed" and not detail.startswith(("ActorKilled", "ActorStopped")):
            self.demand(False, f"{name} crashed: {detail}")


class NoAmplification(Invariant):
    """L8."""

    name: ClassVar[str] = "L8"
    title: ClassVar[str] = "no amplification"
    statement: ClassVar[str] = (
        "A request that nobody's request has caused causes 100 others at most, on average, for each server it is about."
    )
    matters: ClassVar[str] = "What is slow becomes slower: retries are the load that makes for retries."

    most: ClassVar[int] = 100

    def observe(self) -> None:
        self._own = self._caused = 0
        self.watch.hear_answers(self._answered, Request)

    def _answered(self, answer: Answer) -> None:
        if answer.id != answer.correlation:
            self._caused += 1
        else:
            self._own += (answer.message.max_count or 1) if isinstance(answer.message, CreateServer) else 1

    def at_rest(self) -> None:
        if self._own:
            text = f"{self._own} requests have caused {self._caused} others, with {len(self.watch.accidents)} accidents"
            self.demand(self._caused <= self.most * (self._own + len(self.watch.accidents)), text)


class IdempotentDelete(Invariant):
    """L9."""

    name: ClassVar[str] = "L9"
    title: ClassVar[str] = "idempotent delete"
    statement: ClassVar[str] = (
        "Whoever deletes what is deleted, or is being deleted, is told so: 404 or 409, or again that it is."
    )
    matters: ClassVar[str] = "A clean-up that is repeated gets stuck on what it has done already."

    def observe(self) -> None:
        self._deleted: set[Any] = set()
        self.watch.hear_answers(self._answered, DeleteServer, DeleteVolume, DeleteImage, DeletePort)

    def _answered(self, answer: Answer) -> None:
        message = answer.message
        key = next(
            getattr(message, name)
            for name in ("server_id", "volume_id", "image_id", "port_id")
            if hasattr(message, name)
        )
        if answer.error is None:
            if key in self._deleted:
                self.exercised = True
            self._deleted.add(key)
        elif key in self._deleted and not isinstance(answer.error, (BusError, *FOR_OTHER_REASONS)):
            told = isinstance(answer.error, (NotFound, Conflict))
            self.demand(told, f"{answer.by} answered a second {type(message).__name__} with {answer.error!r}")


FOR_OTHER_REASONS = (BadRequest, Unauthorized, Forbidden, Unavailable)
"""Errors that say nothing of what is being deleted."""

CALLS = (AtMostOnce, NoLostUpdate, ErrorContract, NoAmplification, IdempotentDelete)
