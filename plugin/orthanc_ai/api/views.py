"""What all answers share: their form in JSON, and the parts that several of them have."""

from typing import Literal
from urllib.parse import quote

from pydantic import BaseModel, ConfigDict
from pydantic.alias_generators import to_camel

from ..codes import Code
from ..concepts import Concept

DEMONSTRATION_WARNING = "Made with a demonstration model trained on digital phantoms. Not for diagnosis."
"""What every answer says that carries findings of a demonstration model."""

Presence = Literal["present", "absent", "undetermined"]


def _name(field: str) -> str:
    """JSON name of a field: camelCase, identifiers in capitals as DICOM writes them."""
    name = to_camel(field)
    for ending in ("Uid", "Id", "Aet"):
        if name.endswith(ending):
            return name.removesuffix(ending) + ending.upper()
    return name


class View(BaseModel):
    """An answer, or a part of one."""

    model_config = ConfigDict(
        alias_generator=_name,
        populate_by_name=True,
        frozen=True,
        extra="forbid",
        use_attribute_docstrings=True,
        serialize_by_alias=True,
    )


class Query(BaseModel):
    """Parameters of a request. They arrive as text, so they are converted; unknown ones are errors."""

    model_config = ConfigDict(
        alias_generator=_name, populate_by_name=True, frozen=True, extra="forbid", use_attribute_docstrings=True
    )


class Nothing(Query):
    """A request with nothing to choose; an empty body does."""


class ConceptView(View):
    """A coded concept (DICOM PS3.3 section 8.8)."""

    value: str
    """Code value."""
    scheme: str
    """Coding scheme designator."""
    meaning: str
    """Code meaning."""

    @classmethod
    def of(cls, concept: Concept) -> "ConceptView":
        """The concept as an answer has it."""
        return cls(value=concept.value, scheme=concept.scheme, meaning=concept.meaning)


class CodeView(View):
    """A code of the project's vocabulary with its sentence."""

    code: Code
    sentence: str

    @classmethod
    def of(cls, code: Code) -> "CodeView":
        """The code as an answer has it."""
        return cls(code=code, sentence=code.sentence)


def viewer_link(study_instance_uid: str) -> str:
    """Path at which OHIF shows a study."""
    return f"/ohif/viewer?StudyInstanceUIDs={quote(study_instance_uid, safe='')}"
