"""What the de-identification does to the columns of a table: an empty one shall not pass for one without values."""

from collections.abc import Iterable, Mapping

from ..deidentify.options import Options
from ..deidentify.profile import Action, profile_of
from .columns import Tag
from .paths import is_private

REMOVED = "removed"
PSEUDONYM = "replaced by a pseudonym"

_SAID: Mapping[Action | None, str] = {
    Action.REMOVE: REMOVED,
    Action.EMPTY: "emptied",
    Action.DUMMY: "replaced by a dummy",
    Action.UID: PSEUDONYM,
    Action.CLEAN: "cleaned",
    Action.SHIFT: "moved",
}

_TEMPORAL = ("DA", "DT")

_PATIENT_NAME = 0x00100010


def treatments(tags: Iterable[Tag], options: Options) -> dict[str, str]:
    """What is done to the values of tags, by path; those that stay as they are have no entry."""
    profile = profile_of(options)
    found = {}
    for tag in tags:
        actions = [profile.action(number) for number in tag.tags]
        # Dates that the profile does not name go as well, and so does what no dictionary has.
        unnamed = not tag.vr or (actions[-1] is None and tag.vr in _TEMPORAL and "fullDates" not in options.retain)
        within = all(action in (None, Action.KEEP, Action.UID) for action in actions[:-1])
        if unnamed or any(map(is_private, tag.tags)) or not within:
            found[tag.path] = REMOVED
        elif tag.tags[-1] == _PATIENT_NAME:
            found[tag.path] = PSEUDONYM
        elif actions[-1] in _SAID:
            found[tag.path] = _SAID[actions[-1]]
    return found
