"""``POST /ai/pause``, ``POST /ai/resume``: begin nothing more, and go on."""

from .context import Context
from .views import View


class PauseView(View):
    """Whether the work is paused."""

    paused: bool


def pause(context: Context) -> PauseView:
    """Begin nothing more. What runs is finished, what arrives is held, and reports are still sent on."""
    context.queue.pause()
    return PauseView(paused=True)


def resume(context: Context) -> PauseView:
    """Go on, with what was held first."""
    context.queue.resume()
    return PauseView(paused=False)
