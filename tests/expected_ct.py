"""What becomes of each CT series of the test data and of the phantoms, as a CT radiographer would judge it."""

from dataclasses import dataclass, field
from pathlib import Path

from orthanc_ai.cardiac.roles import Role
from orthanc_ai.codes import Code
from phantom.ct import Kind


@dataclass(frozen=True, slots=True)
class RealSeries:
    """A series of the real test data. None of them is cardiac.

    Attributes
    ----------
    folder, files
        Where its files lie in the test data, and the pattern of their names.
    instances
        Number of different SOP instances.
    decisive
        Why it is not accepted.
    geometry
        Codes of its geometry, judged whatever ruled the series out before.
    slices, spacing_mm, tilt_deg, missing
        Of the stack to be measured.
    stored
        Whether Orthanc takes the files; it refuses those without UIDs.
    """

    folder: str
    files: str
    instances: int
    decisive: Code
    geometry: frozenset[Code]
    slices: int
    spacing_mm: float | None = None
    tilt_deg: float = 0.0
    missing: int = 0
    stored: bool = True
    reason: str = field(default="", compare=False)

    def paths(self, data: Path) -> list[Path]:
        """Its files."""
        return [path for path in sorted((data / self.folder).glob(self.files)) if path.name != "DIRFILE"]


_ONE_SLICE = frozenset({Code.TOO_FEW_SLICES})
_HEADS = "ct_series_heads_nysbu"
_QA = "ct_geometry_dcm_qa"

REAL_SERIES = (
    RealSeries(
        "ct_thorax_lidc0314_every3rd",
        "*.dcm",
        92,
        Code.NOT_CARDIAC,
        frozenset({Code.SLICE_GAP, Code.MIXED_FRAME_OF_REFERENCE}),
        slices=92,
        spacing_mm=3.0,
        reason="Chest, Philips; every third of 1 mm slices is left; de-identification gave each its own frame of reference.",
    ),
    RealSeries(
        f"{_QA}/GE_tilt_variable_spacing",
        "*.dcm",
        28,
        Code.NOT_CARDIAC,
        frozenset({Code.SHEARED_TILT, Code.GANTRY_TILT_TAG, Code.NONUNIFORM_SPACING, Code.MIXED_SLICE_THICKNESS}),
        slices=28,
        spacing_mm=4.0019,
        tilt_deg=18.5,
        reason="Head, GE, tilted gantry, 4 mm slices at the base and 7 mm above.",
    ),
    RealSeries(
        f"{_QA}/Philips_axial_5mm",
        "*",
        28,
        Code.NOT_CARDIAC,
        frozenset(),
        slices=28,
        spacing_mm=5.0,
        reason="Head, Philips, a faultless volume.",
    ),
    RealSeries(
        f"{_QA}/Philips_localizer",
        "*",
        1,
        Code.LOCALIZER,
        frozenset({Code.NOT_AXIAL, Code.TOO_FEW_SLICES}),
        slices=1,
        reason="A sagittal surview.",
    ),
    RealSeries(
        f"{_QA}/Philips_exam_summary_SC",
        "*",
        6,
        Code.NOT_CT_IMAGE_STORAGE,
        frozenset({Code.GEOMETRY_TAGS_MISSING, Code.DUPLICATE_POSITIONS, Code.NOT_AXIAL, Code.TOO_FEW_SLICES}),
        slices=1,
        reason="Pages with dose and surview, modality CT but class Secondary Capture.",
    ),
    RealSeries(
        "ct_bad_geometry",
        "gantrytilting*",
        4,
        Code.NOT_CARDIAC,
        frozenset({Code.SHEARED_TILT, Code.COVERAGE_SHORT}),
        slices=4,
        spacing_mm=4.8515,
        tilt_deg=14.0,
        reason="Head by its tilt of 14 degrees; the header says nothing.",
    ),
    RealSeries(
        "ct_bad_geometry",
        "notavolume*",
        4,
        Code.BOLUS_TRACKING,
        frozenset({Code.DUPLICATE_POSITIONS, Code.TOO_FEW_SLICES}),
        slices=1,
        reason="Siemens monitoring scan: one place again and again.",
    ),
    RealSeries(
        "ct_bad_geometry",
        "sliceincrement*",
        4,
        Code.SECONDARY_CAPTURE,
        frozenset({Code.MISSING_SLICES, Code.COVERAGE_SHORT}),
        slices=4,
        spacing_mm=5.0,
        missing=1,
        reason="ORIGINAL\\SECONDARY; steps of 5, 5 and 10 mm.",
    ),
    RealSeries(
        "ct_3slice_dcmqi",
        "*.dcm",
        3,
        Code.NOT_CARDIAC,
        frozenset({Code.COVERAGE_SHORT, Code.OVERLAPPING_SLICES}),
        slices=3,
        spacing_mm=1.0,
        reason="Three slices of a CT colonography, GE.",
    ),
    RealSeries(
        "ct_upper_abdomen_ts",
        "*.dcm",
        20,
        Code.NOT_CARDIAC,
        frozenset({Code.COVERAGE_SHORT, Code.OVERLAPPING_SLICES}),
        slices=20,
        spacing_mm=2.0,
        stored=False,
        reason="`CT Body 3.0`, the upper abdomen of a PET/CT; all UIDs are empty.",
    ),
    *(
        RealSeries(
            _HEADS,
            f"*_axial_{name}.dcm",
            1,
            Code.NOT_CARDIAC,
            _ONE_SLICE,
            slices=1,
            reason=f"One slice of {description}.",
        )
        for name, description in (
            ("19001231-076", "`CHEST 2.5 MM/ABD.PEL 2.5MM`, GE; a trunk"),
            ("19010112-135", "`CHEST 1.25 MM`, GE; a pulmonary angiogram"),
            ("19001229-053", "`STANDARD 2.5mm`, GE; a trunk without contrast"),
            ("19010107-111", "`CHEST 1.25 MM`, GE; a pulmonary angiogram"),
            ("19001006-028", "`Body 3.0`, Toshiba; an abdomen after endovascular repair"),
            ("19001231-270", "`Body 1.0 CE`, Toshiba; a trunk after trauma"),
        )
    ),
    *(
        RealSeries(
            _HEADS,
            f"*_{plane}_*.dcm",
            1,
            Code.REFORMAT_DERIVED,
            frozenset({Code.NOT_AXIAL, Code.TOO_FEW_SLICES}),
            slices=1,
            reason="Reformatted averages of a pulmonary angiogram.",
        )
        for plane in ("coronal", "sagittal")
    ),
    RealSeries(
        "ct_transfer_syntaxes",
        "*.dcm",
        7,
        Code.NOT_CARDIAC,
        frozenset(
            {
                Code.DUPLICATE_INSTANCE,
                Code.DUPLICATE_POSITIONS,
                Code.MIXED_RESCALE,
                Code.LOSSY_COMPRESSION,
                Code.TOO_FEW_SLICES,
            }
        ),
        slices=1,
        reason="One chest slice in 16 encodings; the lossless ones share their SOP Instance UID.",
    ),
)


@dataclass(frozen=True, slots=True)
class PhantomSeries:
    """A series of `phantom.ct`.

    Attributes
    ----------
    codes
        All codes of the verdict by the headers alone; the first decides unless the series is accepted.
    phases
        Labels of the phases.
    """

    kind: Kind
    damage: str | None
    role: Role | None
    codes: tuple[Code, ...]
    phases: tuple[str, ...] = ()

    @property
    def codes_with_pixels(self) -> tuple[Code, ...]:
        """After a look at the pixels of what is accepted."""
        seen = Code.NO_CONTRAST_BY_PIXELS if self.kind == "calcium_score" else Code.CONTRAST_BY_PIXELS
        return tuple(seen if code is Code.CONFIRM_CONTRAST_BY_PIXELS else code for code in self.codes)


_CONTRAST = (Code.CONTRAST_TAG, Code.CONFIRM_CONTRAST_BY_PIXELS)
_OVERLAP = Code.OVERLAPPING_SLICES

PHANTOM_SERIES = (
    PhantomSeries("ccta", None, Role.CCTA, (*_CONTRAST, _OVERLAP), ("75%",)),
    PhantomSeries("calcium_score", None, Role.CAC, (Code.CONFIRM_CONTRAST_BY_PIXELS,), ("70%",)),
    PhantomSeries(
        "multiphase",
        None,
        Role.FUNCTIONAL_MULTIPHASE,
        (*_CONTRAST, Code.MULTIPHASE_SPLIT),
        ("0%", "20%", "40%", "60%", "80%"),
    ),
    PhantomSeries(
        "multiphase",
        "unlabelled",
        Role.FUNCTIONAL_MULTIPHASE,
        (*_CONTRAST, Code.MULTIPHASE_UNLABELLED),
        ("#1", "#2", "#3", "#4", "#5"),
    ),
    PhantomSeries("chest", None, None, (Code.NOT_CARDIAC,)),
    PhantomSeries("head", None, None, (Code.NOT_CARDIAC,)),
    PhantomSeries("localizer", None, None, (Code.LOCALIZER,)),
    PhantomSeries("ccta", "missing_slice", None, (Code.MISSING_SLICES, _OVERLAP), ("75%",)),
    PhantomSeries("ccta", "duplicate_position", None, (Code.DUPLICATE_POSITIONS, _OVERLAP), ("75%",)),
    PhantomSeries("ccta", "gantry_tilt", None, (Code.SHEARED_TILT, Code.GANTRY_TILT_TAG, _OVERLAP), ("75%",)),
    PhantomSeries("ccta", "variable_spacing", None, (Code.NONUNIFORM_SPACING, _OVERLAP), ("75%",)),
    PhantomSeries("ccta", "mixed_orientation", Role.CCTA, (*_CONTRAST, Code.MIXED_ORIENTATION, _OVERLAP), ("75%",)),
    PhantomSeries("ccta", "mixed_rescale", None, (Code.MIXED_RESCALE, _OVERLAP), ("75%",)),
    PhantomSeries("ccta", "without_positions", None, (Code.GEOMETRY_TAGS_MISSING,)),
    PhantomSeries("ccta", "every_third", None, (Code.SLICE_GAP,), ("75%",)),
    PhantomSeries("ccta", "lossy", Role.CCTA, (*_CONTRAST, Code.LOSSY_COMPRESSION, _OVERLAP), ("75%",)),
)
