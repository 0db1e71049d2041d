"""Who may change anything: operators, readers for their own statements, and no page of another web site.

Whether somebody may talk to this server at all is Orthanc's to decide, which has done so before a request arrives here.
"""

import hmac
from base64 import b64encode
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from ..codes import Code
from ..settings import EVERYBODY, asks_who_it_is
from .http import Problem

_NOBODY = (
    "AI.Operators in Orthanc's configuration names nobody whose password is in RegisteredUsers, so nobody may do this. "
    "Name some of the RegisteredUsers there and start Orthanc again."
)
_SOMEBODY_ELSE = (
    "Log in by name and password as one of the users whom AI.Operators in Orthanc's configuration names, or have the "
    "administrator add your name there."
)
_NO_READER = (
    "Log in by name and password as one of the users whom AI.Readers or AI.Operators in Orthanc's configuration names, or have "
    "the administrator add your name to AI.Readers."
)
_FORM = "Send no form (multipart/form-data): the body is to be empty or application/json."
_OTHER_SITE = (
    "Ask from a page of this server, or by a program that is no browser. Behind a reverse proxy, let it hand on the header "
    "Host as it came."
)


@dataclass(frozen=True)
class Access:
    """Decides who may change anything.

    Attributes
    ----------
    authentication
        Whether Orthanc, or its authorization plugin, asks who somebody is. If not, Orthanc serves this machine only.
    """

    authentication: bool
    _operators: frozenset[bytes] = field(default=frozenset(), repr=False)
    _readers: frozenset[bytes] = field(default=frozenset(), repr=False)
    _names: Mapping[bytes, str] = field(default_factory=dict, repr=False)

    @classmethod
    def of(cls, configuration: Mapping[str, Any], operators: Iterable[str], readers: Iterable[str] = ()) -> "Access":
        """The access that a configuration gives.

        Parameters
        ----------
        configuration
            The whole configuration of Orthanc.
        operators
            Names of those who may change something; those without a password in ``RegisteredUsers`` never may.
        readers
            Names of those who may state what they see, as operators may, too; `EVERYBODY` for all of ``RegisteredUsers``.
        """
        passwords: Mapping[str, str] = configuration.get("RegisteredUsers", {})
        names = {_basic(name, password): name for name, password in passwords.items()}
        acting, reading = frozenset(operators), frozenset(readers)
        return cls(
            asks_who_it_is(configuration),
            frozenset(given for given, name in names.items() if name in acting),
            frozenset(given for given, name in names.items() if name in acting | reading or EVERYBODY in reading),
            names,
        )

    @property
    def nobody(self) -> bool:
        """Whether there is no one who may change anything."""
        return self.authentication and not self._operators

    def user(self, headers: Mapping[str, str]) -> str | None:
        """Name of the user who is logged in by name and password; ``None`` if Orthanc asks nobody, or it is no such user."""
        if not self.authentication:
            return None
        given = headers.get("authorization", "").encode(errors="replace")
        return next((name for known, name in self._names.items() if hmac.compare_digest(given, known)), None)

    def may_read_out(self, headers: Mapping[str, str]) -> bool:
        """Whether a user may state what an image shows."""
        return not self.authentication or _is_one_of(self._readers, headers.get("authorization", ""))

    def check(self, headers: Mapping[str, str], *, of_readers: bool = False) -> None:
        """Check whether a request may change something.

        Parameters
        ----------
        headers
            By name in lower case.
        of_readers
            It adds a reader's own statement, and changes nothing else.

        Raises
        ------
        Problem
            ``CROSS_SITE``, ``OPERATOR_ONLY``, or ``BAD_REQUEST`` for a form.
        """
        if "content-disposition" in headers:
            # Orthanc takes a form apart and hands over each part as a request of its own, with the part's headers in
            # place of the request's: from where it came cannot be told any more.
            raise Problem(Code.BAD_REQUEST, _FORM, status=415)
        if _from_another_site(headers):
            raise Problem(Code.CROSS_SITE, _OTHER_SITE)
        if of_readers:
            if not self.may_read_out(headers):
                raise Problem(Code.OPERATOR_ONLY, _NO_READER)
        elif self.authentication and not _is_one_of(self._operators, headers.get("authorization", "")):
            raise Problem(Code.OPERATOR_ONLY, _NOBODY if self.nobody else _SOMEBODY_ELSE)


def _is_one_of(known: Iterable[bytes], authorization: str) -> bool:
    # The password counts, though Orthanc has checked it: not if the authorization plugin stands in for Orthanc, and not in a
    # form, whose parts may carry an Authorization of their own. Compared in constant time.
    given = authorization.encode(errors="replace")
    return any(hmac.compare_digest(given, one) for one in known)


def _basic(name: str, password: str) -> bytes:
    """Header Authorization (RFC 7617) in the one form that Orthanc accepts."""
    return b"Basic " + b64encode(f"{name}:{password}".encode())


def _from_another_site(headers: Mapping[str, str]) -> bool:
    """Whether a browser says, or lets suppose, that the request does not come from a page of this server."""
    site = headers.get("sec-fetch-site")
    if site is not None:
        # Not even "none": a link in a mail must not change anything.
        return site != "same-origin"
    origin = headers.get("origin")
    if origin is not None:
        _, _, host = origin.partition("://")
        return not host or host.lower() != headers.get("host", "").lower()
    # Browsers name the origin of whatever is no GET. What looks like theirs without one is a GET that Orthanc was told to
    # take for something else (`?_method=DELETE`), as a picture on any page can: over plain HTTP nothing says from where.
    return headers.get("user-agent", "").startswith("Mozilla/") and "accept-language" in headers
