"""What the routes of all kinds of batches share: how one stands, the list of them, taking one away."""

from collections.abc import Mapping
from typing import Any

from ..batches.batch import Batch, BatchError, State
from ..batches.batches import Batches
from ..codes import Code
from .context import Context
from .http import Problem
from .views import View


class BatchView(View):
    """A batch: long work that was asked for."""

    id: str
    state: State
    request: Mapping[str, Any]
    """What was asked for; of a table of labels, how many bytes it has."""
    created: str
    """ISO 8601, UTC."""
    started: str | None
    """ISO 8601, UTC."""
    ended: str | None
    """ISO 8601, UTC."""
    done: int
    """Items that are settled, each of them for good."""
    total: int | None
    """Items in all; `null` while that is not known."""
    code: Code | None
    """Why it failed, or what it waits for."""
    detail: str | None
    summary: Mapping[str, Any]
    """What came of it."""
    path: str
    """Path at which it is found."""

    @classmethod
    def of(cls, batch: Batch) -> "BatchView":
        """The batch as an answer has it."""
        return cls(
            id=batch.identifier,
            state=batch.state,
            request=_shown(batch.request),
            created=batch.created,
            started=batch.started or None,
            ended=batch.ended or None,
            done=batch.done,
            total=batch.total,
            code=batch.code,
            detail=batch.detail or None,
            summary=batch.summary,
            path=f"/ai/{batch.kind}/{batch.identifier}",
        )


class BatchList(View):
    """All batches of a kind, the newest first."""

    batches: list[BatchView]


class Removed(View):
    """A batch that was taken away, with everything that it made. What it changed in the archive stays."""

    id: str


def begin(context: Context, kind: str, request: Mapping[str, Any]) -> BatchView:
    """Take in a batch.

    Parameters
    ----------
    request
        What was asked for, checked, in JSON types.

    Raises
    ------
    Problem
        ``TOO_MANY_BATCHES``, ``BATCHES_UNAVAILABLE``
    """
    try:
        return BatchView.of(_of_kind(context, kind).begin(request))
    except BatchError as error:
        raise Problem(error.code, error.detail) from None


def list_batches(context: Context, kind: str) -> BatchList:
    """All batches of a kind."""
    return BatchList(batches=[BatchView.of(batch) for batch in reversed(_of_kind(context, kind).all())])


def one(context: Context, kind: str, identifier: str) -> BatchView:
    """How one batch stands.

    Raises
    ------
    Problem
        ``NOT_FOUND``
    """
    batch = _of_kind(context, kind).get(identifier)
    if batch is None:
        raise missing(kind)
    return BatchView.of(batch)


def remove(context: Context, kind: str, identifier: str) -> Removed:
    """Cancel a batch if it is still open, and take it away.

    Raises
    ------
    Problem
        ``NOT_FOUND``, ``BATCHES_UNAVAILABLE``
    """
    try:
        found = _of_kind(context, kind).remove(identifier)
    except BatchError as error:
        raise Problem(error.code, error.detail) from None
    if not found:
        raise missing(kind)
    return Removed(id=identifier)


def _of_kind(context: Context, kind: str) -> Batches:
    return context.batches[kind]


def _shown(request: Mapping[str, Any]) -> Mapping[str, Any]:
    """A request without its table of labels: that names patients, and is not for everybody who asks how far a batch is."""
    labels = request.get("labels")
    if not isinstance(labels, Mapping) or "csv" not in labels:
        return request
    others = {name: value for name, value in labels.items() if name != "csv"}
    return {**request, "labels": others | {"bytes": len(labels["csv"].encode())}}


def missing(kind: str) -> Problem:
    """What to answer if there is no such batch."""
    return Problem(Code.NOT_FOUND, f"There is no such batch; GET /ai/{kind} lists those that there are.")
