"""Who made a report: the device as observer, the algorithm under each number, the equipment in the header.

The device is the model with its weights, run by this plugin. IHE AI Results wants each algorithm in the Contributing
Equipment Sequence with a Device UID that changes when the model does.
"""

from dataclasses import dataclass

from highdicom import ContributingEquipment
from highdicom.coding_schemes import CodingSchemeIdentificationItem
from highdicom.sr import (
    AlgorithmIdentification,
    DeviceObserverIdentifyingAttributes,
    ObservationContext,
    ObserverContext,
)
from pydicom.sr.codedict import codes

from ..models.card import ModelCard
from . import vocabulary
from .uids import derive_uid, device_uid

PRODUCT = "Orthanc AI"
"""Manufacturer and model name of the equipment that writes the reports: this plugin."""

IMPLEMENTATION_CLASS_UID = derive_uid("implementation class")
"""Implementation Class UID (0002,0012) of the files."""

DEMONSTRATION = "Demonstration model trained on digital phantoms. Not for diagnosis."
"""What every report of a demonstration model says before anything else."""

RESEARCH = "For research. Not for diagnostic use."
"""What every other report says there."""

SCORES = (
    "A probability here is the model's score, scaled so that the model's operating point lies at 50 %. "
    "It is not a calibrated probability."
)
"""How to read the numbers of a network whose scores are mapped to its operating points."""

PLAIN_SCORES = "A probability here is the model's score. It is not a calibrated probability."
"""How to read the numbers of any other network."""

_UNSCALED = 0.5
"""Operating point of an output that is a plain sigmoid."""

CORRECTIONS = "readers-corrections"
"""Name of what writes down readers' statements."""

_LONG_STRING_MAXIMUM = 64  # characters of an LO, PS3.5 table 6.2-1
_SERIAL_NUMBER_DIGITS = 16  # of the weights digest: short enough to compare by eye, long enough to tell


@dataclass(frozen=True, slots=True)
class Provenance:
    """Everything a report says about its maker.

    Attributes
    ----------
    device_uid
        See `uids.device_uid`.
    manufacturer, model_name, serial_number
        Of the device: the model, or a set of rules.
    algorithm_name, algorithm_version, parameters
        TID 4019; the parameters are lines of text.
    plugin_version
        Of this plugin, which runs the model.
    is_learned
        A trained model, as against rules.
    statements
        What a reader must know before reading on, the most important first.
    series_description
        At most 64 characters.
    """

    device_uid: str
    manufacturer: str
    model_name: str
    serial_number: str
    algorithm_name: str
    algorithm_version: str
    parameters: tuple[str, ...]
    plugin_version: str
    is_learned: bool
    statements: tuple[str, ...]
    series_description: str

    def series(self, what: str) -> str:
        """Series Description of what the device makes beside its findings, e.g. of ``"measurements"``."""
        warning = " DEMONSTRATION not for diagnosis" if self.demonstration else " not for diagnosis"
        return describe(f"AI {what} ", self.algorithm_name, warning)

    @property
    def demonstration(self) -> bool:
        """Whether it goes with a reading by a demonstration model."""
        return DEMONSTRATION in self.statements

    def observation_context(self) -> ObservationContext:
        """The device as observer, TID 1001 to 1004."""
        return ObservationContext(
            observer_device_context=ObserverContext(
                observer_type=codes.DCM.Device,
                observer_identifying_attributes=DeviceObserverIdentifyingAttributes(
                    uid=self.device_uid,
                    name=f"{PRODUCT} {self.plugin_version}",
                    manufacturer_name=self.manufacturer,
                    model_name=self.model_name,
                    serial_number=self.serial_number,
                ),
            )
        )

    def algorithm(self) -> AlgorithmIdentification:
        """Algorithm Identification, TID 4019."""
        return AlgorithmIdentification(
            name=self.algorithm_name,
            version=self.algorithm_version,
            manufacturer=self.manufacturer,
            parameters=self.parameters,
            family=vocabulary.coded(vocabulary.ARTIFICIAL_INTELLIGENCE) if self.is_learned else None,
        )

    def contributing_equipment(self) -> ContributingEquipment:
        """Item of the Contributing Equipment Sequence, PS3.3 section C.12.1, with the Device UID that IHE asks for."""
        equipment = ContributingEquipment(
            manufacturer=self.manufacturer,
            purpose_of_reference=vocabulary.coded(vocabulary.PROCESSING_EQUIPMENT),
            manufacturer_model_name=self.model_name,
            device_serial_number=self.serial_number,
            software_versions=self.algorithm_version,
        )
        equipment.DeviceUID = self.device_uid
        return equipment


def of_model(
    card: ModelCard, weights_digest: str, plugin_version: str, undetermined_band: float, parameters: tuple[str, ...]
) -> Provenance:
    """Provenance of a reading by a model.

    Parameters
    ----------
    weights_digest
        SHA-256 of the weights, hex.
    undetermined_band
        Half width of the band around a threshold, 0 to 1, within which nothing is decided.
    parameters
        Further lines on how the model was run.
    """
    scaled = any(output.operating_point != _UNSCALED for output in card.outputs)
    scale = "score scaled to an operating point of 50 %" if scaled else "score not scaled"
    band: tuple[str, ...] = ()
    if undetermined_band > 0 and not card.demonstration:
        band = (f"undetermined within {100 * undetermined_band:g} percentage points of the threshold",)
    return Provenance(
        device_uid=device_uid(card.name, weights_digest, plugin_version),
        manufacturer=card.manufacturer,
        model_name=card.title,
        serial_number=weights_digest[:_SERIAL_NUMBER_DIGITS],
        algorithm_name=card.name,
        algorithm_version=card.version,
        parameters=(
            f"weights SHA-256 {weights_digest}",
            f"model card SHA-256 {card.digest}",
            f"{scale}, not a calibrated probability",
            *band,
            *parameters,
        ),
        plugin_version=plugin_version,
        is_learned=True,
        statements=(
            DEMONSTRATION if card.demonstration else RESEARCH,
            f"Analyzed by {card.title}, version {card.version} ({card.name}).",
            SCORES if scaled else PLAIN_SCORES,
        ),
        series_description=describe(
            "AI findings ",
            card.name,
            " DEMONSTRATION not for diagnosis" if card.demonstration else " not for diagnosis",
        ),
    )


def describe(before: str, name: str, after: str) -> str:
    """A Series Description; if it gets too long, the name is cut, never the warning."""
    return before + name[: _LONG_STRING_MAXIMUM - len(before) - len(after)] + after


def of_rules(name: str, title: str, version: str, plugin_version: str, statements: tuple[str, ...]) -> Provenance:
    """Provenance of a judgement by rules.

    Parameters
    ----------
    name, title, version
        Of the set of rules.
    """
    return Provenance(
        device_uid=device_uid(name, version, plugin_version),
        manufacturer=PRODUCT,
        model_name=title,
        serial_number=version,
        algorithm_name=name,
        algorithm_version=version,
        parameters=(),
        plugin_version=plugin_version,
        is_learned=False,
        statements=statements,
        series_description=describe("AI ", title, " not for diagnosis"),
    )


def of_reader(model: str, demonstration: bool, plugin_version: str) -> Provenance:
    """Provenance of a reader's statement on what a model has found: this plugin has only written it down.

    Parameters
    ----------
    model
        Name of the model.
    """
    about = f"A reader's statement on findings of the model {model}. It verifies no report."
    warning = " DEMONSTRATION not for diagnosis" if demonstration else " not for diagnosis"
    return Provenance(
        device_uid=device_uid(CORRECTIONS, "", plugin_version),
        manufacturer=PRODUCT,
        model_name="Readers' corrections",
        serial_number=CORRECTIONS,
        algorithm_name=CORRECTIONS,
        algorithm_version=plugin_version,
        parameters=(),
        plugin_version=plugin_version,
        is_learned=False,
        statements=(DEMONSTRATION if demonstration else RESEARCH, about),
        series_description=describe("AI corrections ", model, warning),
    )


def private_scheme() -> CodingSchemeIdentificationItem:
    """Whose scheme the private codes are: an item of Coding Scheme Identification Sequence, PS3.3 section C.12.1."""
    return CodingSchemeIdentificationItem(
        vocabulary.PRIVATE_SCHEME, name=f"Codes of {PRODUCT}", responsible_organization=PRODUCT
    )
