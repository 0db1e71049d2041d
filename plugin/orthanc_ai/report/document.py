"""A Comprehensive 3D SR document around a content tree (PS3.3 section A.35.13): everything but the tree itself."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from pydicom.dataset import Dataset
from pydicom.uid import Comprehensive3DSRStorage, ExplicitVRLittleEndian

from ..concepts import Concept
from . import vocabulary
from .charset import ascii_text, make_ascii
from .encoding import element, encode_element, item, sequence
from .header import Inherited, InstanceReference
from .provenance import IMPLEMENTATION_CLASS_UID, PRODUCT, Provenance, private_scheme
from .uids import ReportIdentity

SOP_CLASS_UID = str(Comprehensive3DSRStorage)
"""SOP class of every report."""

_CONTENT_SEQUENCE = 0x0040A730


class Predecessor(Protocol):
    """A report that a new one replaces."""

    @property
    def sop_class_uid(self) -> str: ...  # noqa: D102
    @property
    def sop_instance_uid(self) -> str: ...  # noqa: D102
    @property
    def series_instance_uid(self) -> str: ...  # noqa: D102
    @property
    def study_instance_uid(self) -> str: ...  # noqa: D102


@dataclass(frozen=True, slots=True)
class Frame:
    """The elements that all reports of one device have in common, encoded, by tag."""

    elements: Mapping[int, bytes]

    @classmethod
    def prepare(
        cls, provenance: Provenance, series_number: int, root: Dataset, concepts: Iterable[Concept], *, plain: bool
    ) -> "Frame":
        """Encode them once.

        Parameters
        ----------
        root
            The root content item; its content is left out.
        concepts
            Concepts in the document: if one is in the private scheme, the scheme is identified.
        plain
            In ASCII, with question marks for what it does not have.
        """
        texts: dict[int, tuple[str, str]] = {
            0x00080060: ("CS", "SR"),
            0x00080070: ("LO", PRODUCT),
            0x0008103E: ("LO", provenance.series_description),
            0x00081090: ("LO", PRODUCT),
            0x00181000: ("LO", provenance.serial_number),
            0x00181020: ("LO", provenance.plugin_version),
            0x00200011: ("IS", str(series_number)),
            0x00200013: ("IS", "1"),
            0x0040A491: ("CS", "COMPLETE"),
            0x0040A493: ("CS", "UNVERIFIED"),
            0x0040A496: ("CS", "PRELIMINARY"),
        }
        elements = {
            tag: element(tag, vr, (ascii_text(text) if plain else text).encode()) for tag, (vr, text) in texts.items()
        }
        elements[0x00081111] = sequence(0x00081111, ())  # Referenced Performed Procedure Step Sequence, type 2
        elements[0x0040A372] = sequence(0x0040A372, ())  # Performed Procedure Code Sequence, type 2
        built = Dataset()
        built.ContributingEquipmentSequence = [provenance.contributing_equipment()]
        if any(concept.scheme == vocabulary.PRIVATE_SCHEME for concept in concepts):
            built.CodingSchemeIdentificationSequence = [private_scheme()]
        if plain:
            make_ascii(built)
        built.update({data.tag: data for data in root if data.tag != _CONTENT_SEQUENCE})
        elements |= {int(data.tag): encode_element(data) for data in built}
        return cls(elements)

    def document(
        self,
        inherited: Inherited,
        evidence: Iterable[InstanceReference],
        identity: ReportIdentity,
        content_datetime: datetime,
        predecessor: Predecessor | None,
        content: Iterable[bytes],
        *,
        other_evidence: Iterable[InstanceReference] = (),
        further: Iterable[Predecessor] = (),
    ) -> bytes:
        """Encode a whole file (PS3.10), Explicit VR Little Endian.

        Parameters
        ----------
        inherited
            Patient and study.
        evidence
            What was looked at.
        content_datetime
            When the report was made. If it has a time zone and the source states one, it is given in the source's.
        predecessor
            The report that this one replaces.
        content
            Encoded items of the root's Content Sequence.
        other_evidence
            What was looked at of other examinations (PS3.3 section C.17.2.3).
        further
            More predecessors: reports that this one amends.
        """
        elements = dict(self.elements)
        for tag, references in (
            (0x0040A375, list(evidence)),  # Current Requested Procedure Evidence Sequence
            (0x0040A385, list(other_evidence)),  # Pertinent Other Evidence Sequence
            (0x0040A360, [_reference(one) for one in (predecessor, *further) if one]),  # Predecessor Documents Sequence
        ):
            if references:
                elements[tag] = _hierarchical_references(tag, references)
        elements[_CONTENT_SEQUENCE] = sequence(_CONTENT_SEQUENCE, content)
        return file_of(SOP_CLASS_UID, elements, inherited, identity, content_datetime)


def file_of(
    sop_class_uid: str,
    elements: Mapping[int, bytes],
    inherited: Inherited,
    identity: ReportIdentity,
    content_datetime: datetime,
) -> bytes:
    """Encode a whole file (PS3.10), Explicit VR Little Endian.

    Parameters
    ----------
    elements
        Encoded elements by tag, but for what the other parameters say.
    inherited
        Patient and study.
    content_datetime
        When the object was made. If it has a time zone and the source states one, it is given in the source's.
    """
    if content_datetime.tzinfo is not None and inherited.zone is not None:
        content_datetime = content_datetime.astimezone(inherited.zone)
    date = content_datetime.strftime("%Y%m%d").encode()
    time = content_datetime.strftime("%H%M%S").encode()
    every = {**elements, **inherited.elements}
    for tag, vr, value in (
        (0x00080012, "DA", date),  # Instance Creation Date
        (0x00080013, "TM", time),
        (0x00080016, "UI", sop_class_uid.encode()),
        (0x00080018, "UI", identity.sop_instance_uid.encode()),
        (0x00080021, "DA", date),  # Series Date
        (0x00080023, "DA", date),  # Content Date
        (0x00080031, "TM", time),
        (0x00080033, "TM", time),
        (0x0020000E, "UI", identity.series_instance_uid.encode()),
    ):
        every[tag] = element(tag, vr, value)
    head = _file_head(sop_class_uid, identity.sop_instance_uid)
    return b"".join((head, *(every[tag] for tag in sorted(every))))


def _reference(document: Predecessor) -> InstanceReference:
    return InstanceReference(
        document.sop_class_uid.encode(),
        document.sop_instance_uid.encode(),
        document.series_instance_uid.encode(),
        document.study_instance_uid.encode(),
    )


def _hierarchical_references(tag: int, references: Iterable[InstanceReference]) -> bytes:
    """Encode the Hierarchical SOP Instance Reference Macro, PS3.3 section C.17.2.1."""
    studies: defaultdict[bytes, defaultdict[bytes, dict[bytes, bytes]]] = defaultdict(lambda: defaultdict(dict))
    for reference in references:
        series = studies[reference.study_instance_uid][reference.series_instance_uid]
        series[reference.sop_instance_uid] = reference.sop_class_uid
    return sequence(
        tag,
        (
            item(
                sequence(
                    0x00081115,
                    (
                        item(
                            sequence(0x00081199, (reference_item(kind, uid) for uid, kind in instances.items())),
                            element(0x0020000E, "UI", series),
                        )
                        for series, instances in series_of_study.items()
                    ),
                ),
                element(0x0020000D, "UI", study),
            )
            for study, series_of_study in studies.items()
        ),
    )


def reference_item(sop_class_uid: bytes, sop_instance_uid: bytes) -> bytes:
    """Encode an item of a Referenced SOP Sequence."""
    return item(element(0x00081150, "UI", sop_class_uid), element(0x00081155, "UI", sop_instance_uid))


def _file_head(sop_class_uid: str, sop_instance_uid: str) -> bytes:
    """Preamble and File Meta Information, PS3.10 section 7.1."""
    group = b"".join(
        (
            element(0x00020001, "OB", b"\0\1"),
            element(0x00020002, "UI", sop_class_uid.encode()),
            element(0x00020003, "UI", sop_instance_uid.encode()),
            element(0x00020010, "UI", str(ExplicitVRLittleEndian).encode()),
            element(0x00020012, "UI", IMPLEMENTATION_CLASS_UID.encode()),
            element(0x00020013, "SH", b"ORTHANC_AI"),
        )
    )
    length = element(0x00020000, "UL", len(group).to_bytes(4, "little"))
    return bytes(128) + b"DICM" + length + group
