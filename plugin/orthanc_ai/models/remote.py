"""A worker's end of the process that computes scores for all workers."""

import math
from multiprocessing import AuthenticationError, connection

import numpy as np

from ..codes import Code
from .address import Address
from .engine import Floats
from .errors import DeviceLostError, ModelError
from .exchange import packed_shape, unpack
from .prepared import Prepared


class RemoteScorer:
    """Lets the process that owns the GPU compute scores; an `engine.Scorer`.

    The worker decodes and resizes; an image crosses as the network sees it, 200 KB for one of 224 pixels.

    Raises
    ------
    DeviceLostError
        If the process is not there.
    ModelError
        ``MODEL_TAMPERED`` if it works with other weights.
    """

    def __init__(self, address: Address, prepared: Prepared) -> None:
        self._address = address
        self._shape = packed_shape(prepared.card)
        self._weights = prepared.weights_digest
        self._connection = self._connect()

    def scores(self, batch: Floats) -> Floats:
        """See `engine.Scorer.scores`; images are asked for one by one.

        Raises
        ------
        DeviceLostError
            If the process died meanwhile.
        """
        return self.scores_and_activations(batch)[0]

    def scores_and_activations(self, batch: Floats) -> tuple[Floats, Floats]:
        """See `engine.Scorer.scores_and_activations`; raises what `scores` does."""
        size = math.prod(self._shape)
        try:
            found = []
            for image in batch:
                self._connection.send_bytes(np.ascontiguousarray(image, np.float32))
                answer = np.frombuffer(self._connection.recv_bytes(4 * size), np.float32)
                if answer.size != size:
                    raise DeviceLostError(f"{answer.size} numbers instead of {size}")
                found.append(answer.reshape(self._shape))
        except (OSError, EOFError) as error:
            raise DeviceLostError(type(error).__name__) from error
        return unpack(np.stack(found))

    def _connect(self) -> "connection.Connection[bytes, bytes]":
        try:
            ours = connection.Client(self._address.path, "AF_UNIX", authkey=self._address.key)
            weights = ours.recv_bytes(len(self._weights)).decode("ascii")
        except (OSError, EOFError, AuthenticationError) as error:
            raise DeviceLostError(type(error).__name__) from error
        if weights != self._weights:
            raise ModelError(Code.MODEL_TAMPERED, "the weights have changed since the GPU's process loaded them")
        return ours
