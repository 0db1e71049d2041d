"""What must become of each file of the real DICOM test data, judged as a radiographer would, by looking at it.

Unit tests compare it with the judgement itself, live tests with what a server writes down.
"""

from typing import NamedTuple

from orthanc_ai.codes import Code


class Expected(NamedTuple):
    """What must become of a file.

    Attributes
    ----------
    outcome
        ``REPORTED``, or why it is not analysed; ``None`` if it is no X-ray and only counted.
    notes
        What the report must say about the image.
    why
        What the picture shows, and what gives it away in the header.
    """

    outcome: Code | None
    notes: tuple[Code, ...]
    why: str


COUNTED_PREFIX = "ct_"
"""Every file below a folder whose name begins so is CT, or a picture made by a CT scanner: never an X-ray."""

REFUSED = frozenset(
    {
        "robustness/ct_wrong_transfer_syntax.dcm",
        "robustness/meta_missing_tsyntax.dcm",
        "robustness/mr_truncated.dcm",
        "robustness/no_meta.dcm",
        "robustness/no_meta_group_length.dcm",
        "robustness/un_sequence.dcm",
    }
)
"""Files that Orthanc itself does not take: they lack identifiers or are no DICOM to it."""

EXPECTED: dict[str, Expected] = {
    "cxr/gdcm_cr_mono1_10bit_440.dcm": Expected(
        Code.REPORTED, (Code.AGE_NOT_STATED,), "PA chest; says CHEST and PA, neither age nor birth date"
    ),
    "cxr/nih_dx_mono2_8bit_implicit_nofinding.dcm": Expected(
        Code.REPORTED,
        (Code.BODY_PART_NOT_STATED, Code.VIEW_NOT_STATED),
        "PA chest of an adult; the header has only the modality and an age without its unit, 81",
    ),
    "cxr/rsna_pa_mono2_8bit_jpegbaseline.dcm": Expected(
        Code.REPORTED, (), "PA chest with surgical clips; a secondary capture of modality CR that says CHEST, PA and 62"
    ),
    "cxr/rsna_pa_fake_mono1_8bit_jpegbaseline.dcm": Expected(
        Code.REPORTED, (), "the same picture, called MONOCHROME1 and so a negative; the header is believed"
    ),
    "cxr/wg04_rg1_cr_mono1_15bit_j2k_lossy.dcm": Expected(
        Code.REPORTED, (), "PA chest with masses; DERIVED only because it was compressed; born 1940, taken 2004"
    ),
    "negatives/cr_hip_mono2_jpegext.dcm": Expected(Code.NOT_CHEST, (), "a hip, and says HIP"),
    "negatives/cr_tibia_mono1_rle.dcm": Expected(Code.NOT_CHEST, (), "a lower leg, and says EXTREMITY; its view is AP"),
    "negatives/dx_dog_thorax_mono1.dcm": Expected(
        Code.NOT_HUMAN,
        (),
        "a dog on its side; no species attributes, but the processing is called CANINE LATERAL THORAX",
    ),
    "negatives/xa.dcm": Expected(
        Code.NOT_PLAIN_RADIOGRAPH, (), "an angiogram of the brain; a secondary capture of modality XA without body part"
    ),
    "negatives/ct_brain_philips.dcm": Expected(None, (), "an axial CT of the head"),
    "negatives/ct_head_ge.dcm": Expected(None, (), "an axial CT of the head"),
    "negatives/ct_scout_abdomen_dicomlibrary.dcm": Expected(
        None, (), "a CT scout of the abdomen; a secondary capture of modality OT, which may be anything"
    ),
    "negatives/ct_small.dcm": Expected(None, (), "an axial CT"),
    "negatives/ct_surview_localizer.dcm": Expected(None, (), "a CT localizer; a projection, but modality CT"),
    "negatives/mr_prostate.dcm": Expected(None, (), "MR"),
    "negatives/mr_small.dcm": Expected(None, (), "MR"),
    "negatives/nm.dcm": Expected(None, (), "a bone scan; a secondary capture of modality NM"),
    "negatives/pt_breast.dcm": Expected(None, (), "PET"),
    "negatives/seg.dcm": Expected(None, (), "a segmentation"),
    "negatives/sm.dcm": Expected(None, (), "microscopy"),
    "negatives/sr_comprehensive3d.dcm": Expected(None, (), "a structured report"),
    "robustness/ct_bad_jpeglossless.dcm": Expected(None, (), "CT"),
    "robustness/ct_explicit_vr_un.dcm": Expected(None, (), "CT"),
    "robustness/ct_j2k_pixelrep_mismatch.dcm": Expected(None, (), "CT"),
    "robustness/ct_wrong_transfer_syntax.dcm": Expected(None, (), "CT"),
    "robustness/enhanced_ct_multiframe.dcm": Expected(None, (), "enhanced CT"),
    "robustness/meta_missing_tsyntax.dcm": Expected(None, (), "neither modality nor transfer syntax"),
    "robustness/mr_truncated.dcm": Expected(None, (), "MR"),
    "robustness/no_meta.dcm": Expected(None, (), "no file meta information"),
    "robustness/no_meta_group_length.dcm": Expected(None, (), "no modality, no pixels"),
    "robustness/oob_monochrome_65535.dcm": Expected(
        None, (), "a secondary capture without modality, so it could be anything"
    ),
    "robustness/sr_no_pixel_data.dcm": Expected(None, (), "a structured report"),
    "robustness/un_sequence.dcm": Expected(None, (), "no modality, no pixels"),
}
