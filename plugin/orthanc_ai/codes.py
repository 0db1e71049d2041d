"""The one vocabulary of codes: in instance metadata, SR text, REST answers, logs and metrics.

Every code has one sentence that a user can read. A code is never renamed once released, since it is stored
in the archives of others.
"""

from enum import StrEnum
from typing import Self


class Code(StrEnum):
    """What became of a resource, or what is remarkable about it.

    Members are their own names, so that a code reads the same wherever it is met.
    """

    sentence: str

    def __new__(cls, name: str, sentence: str = "") -> Self:
        """Make a member of its name and its sentence."""
        member = str.__new__(cls, name)
        member._value_ = name
        member.sentence = sentence
        return member

    # Ends of a job
    REPORTED = "REPORTED", "A report was stored beside the image."
    ACCEPTED = "ACCEPTED", "The series is a cardiac series whose images make a sound volume."
    HELD = "HELD", "The work waits: for the configured model, or until an operator lets it go on."
    RETRYING = "RETRYING", "The analysis failed and will be tried again."
    FAILED = "FAILED", "The analysis failed and was given up."

    # Why an X-ray was not analysed
    SOURCE_NOT_SELECTED = "SOURCE_NOT_SELECTED", "AI.Sources does not list the sender of this image."
    NOT_CHEST = "NOT_CHEST", "The image shows another part of the body than the chest."
    LATERAL_VIEW = "LATERAL_VIEW", "The image is a lateral view; the model reads frontal views only."
    NOT_PLAIN_RADIOGRAPH = (
        "NOT_PLAIN_RADIOGRAPH",
        "The image comes from angiography or fluoroscopy; only plain radiographs are read.",
    )
    FOR_PROCESSING = "FOR_PROCESSING", "The image is raw detector data for further processing, not one to be read."
    VIEW_NOT_SUPPORTED = "VIEW_NOT_SUPPORTED", "The image is neither a frontal nor a lateral view."
    NOT_HUMAN = "NOT_HUMAN", "The patient is an animal, as the header says."
    OUTSIDE_INTENDED_USE = (
        "OUTSIDE_INTENDED_USE",
        "The patient's age or the view lies outside the model card's intended use.",
    )
    BODY_PART_NOT_STATED = "BODY_PART_NOT_STATED", "The header does not say which part of the body is shown."
    VIEW_NOT_STATED = "VIEW_NOT_STATED", "The header does not say from which side the image was taken."
    AGE_NOT_STATED = "AGE_NOT_STATED", "The header does not say how old the patient is."
    NO_PIXELS = "NO_PIXELS", "The object has no pixel data."
    MULTI_FRAME = "MULTI_FRAME", "The image has several frames; only single radiographs are read."
    NOT_PRIMARY_IMAGE = (
        "NOT_PRIMARY_IMAGE",
        "The image was derived from another one, or is a picture of a screen or of a form.",
    )
    PHOTOMETRIC_UNSUPPORTED = (
        "PHOTOMETRIC_UNSUPPORTED",
        "The photometric interpretation is not MONOCHROME1 or MONOCHROME2.",
    )
    TRANSFER_SYNTAX_UNSUPPORTED = (
        "TRANSFER_SYNTAX_UNSUPPORTED",
        "No decoder for the transfer syntax of the image is installed.",
    )
    PIXELS_UNREADABLE = "PIXELS_UNREADABLE", "The pixel data could not be decoded."
    PIXEL_RANGE_EXCEEDED = (
        "PIXEL_RANGE_EXCEEDED",
        "Some pixel values lie beyond the range that the header states.",
    )
    IMAGE_CROPPED = "IMAGE_CROPPED", "The image is far from square; the model saw its middle only."
    PIXELS_UNIFORM = "PIXELS_UNIFORM", "Every pixel has the same value; there is nothing to read."
    IMAGE_TOO_LARGE = "IMAGE_TOO_LARGE", "The header claims more pixels than a radiograph can have."
    FILE_TOO_LARGE = "FILE_TOO_LARGE", "The deflated file inflates to more than any image that is read takes."
    IMAGE_TOO_SMALL = "IMAGE_TOO_SMALL", "The image has too few pixels to be a radiograph."
    HEADER_UNREADABLE = "HEADER_UNREADABLE", "The DICOM header could not be read."

    HEAT_MAPS_NOT_WRITTEN = (
        "HEAT_MAPS_NOT_WRITTEN",
        "No heat maps were written, since how a viewer would show the image cannot be told from its header.",
    )

    OVERLAYS_NOT_WRITTEN = (
        "OVERLAYS_NOT_WRITTEN",
        "Heat maps, outlines or lines that were wanted could not be written as DICOM objects; the findings stand.",
    )

    # The cardiothoracic ratio of an X-ray
    MEASURED = "MEASURED", "The cardiothoracic ratio was measured."
    RATIO_BY_AP = "RATIO_BY_AP", "The film was taken from the front (AP): the heart looks larger than it is."
    RATIO_NOT_FRONTAL = "RATIO_NOT_FRONTAL", "No chest seen from the front, upright and whole, was found in the image."
    RATIO_LUNGS_NOT_FOUND = (
        "RATIO_LUNGS_NOT_FOUND",
        "The outer borders of the lungs or the diaphragm cannot be told, so the width of the thorax is unknown.",
    )
    RATIO_HEART_BORDER_UNCLEAR = (
        "RATIO_HEART_BORDER_UNCLEAR",
        "A border of the heart cannot be told from what lies beside it, so its width is unknown.",
    )

    # Cardiac CT: why a series is none of axial CT images
    NOT_CT = "NOT_CT", "The series is not CT."
    NOT_CT_IMAGE_STORAGE = "NOT_CT_IMAGE_STORAGE", "The objects have modality CT, but are not CT images."
    LOCALIZER = "LOCALIZER", "A localizer (topogram, scout) for planning the scan."
    SECONDARY_CAPTURE = "SECONDARY_CAPTURE", "Secondary images: made after the examination, not reconstructed from it."
    BOLUS_TRACKING = "BOLUS_TRACKING", "Images of one place that watch the contrast arrive."
    DOSE_OR_REPORT = "DOSE_OR_REPORT", "A dose sheet, protocol page or other text."
    REFORMAT_DERIVED = "REFORMAT_DERIVED", "A reformat, projection or rendering of another series."
    PERFUSION_OR_LATE = "PERFUSION_OR_LATE", "A perfusion, stress or delayed series."
    ENHANCED_MULTIFRAME = "ENHANCED_MULTIFRAME", "A multi-frame object whose frames could not be read."
    NOT_HOUNSFIELD = (
        "NOT_HOUNSFIELD",
        "Rescale Type says that the pixel values are something else than Hounsfield units.",
    )

    # Cardiac CT: evidence for and against the heart
    NOT_CARDIAC = "NOT_CARDIAC", "The header gives too little evidence that the series shows the heart."
    BODYPART_CARDIAC = "BODYPART_CARDIAC", "Body Part Examined names the heart or the coronary arteries."
    BODYPART_THORAX = "BODYPART_THORAX", "Body Part Examined names the chest."
    BODYPART_MISSING = "BODYPART_MISSING", "Body Part Examined is not stated."
    BODYPART_OTHER = "BODYPART_OTHER", "Body Part Examined names another part of the body."
    ANATOMIC_REGION_CARDIAC = (
        "ANATOMIC_REGION_CARDIAC",
        "Anatomic Region Sequence names the heart or the coronary arteries.",
    )
    ECG_GATED_TAG = "ECG_GATED_TAG", "Cardiac Synchronization Technique says that the scan was gated by the ECG."
    GATING_HINT = "GATING_HINT", "Cardiac phase, scan options, heart rate or comments point to a scan gated by the ECG."
    SERIES_DESC_CARDIAC = "SERIES_DESC_CARDIAC", "The series description has a cardiac word."
    PROTOCOL_CARDIAC = "PROTOCOL_CARDIAC", "The description of protocol, study or procedure has a cardiac word."
    SMALL_FOV = "SMALL_FOV", "The reconstruction diameter is as small as for a heart."

    # Cardiac CT: geometry
    GEOMETRY_TAGS_MISSING = (
        "GEOMETRY_TAGS_MISSING",
        "Images without usable position, orientation, pixel spacing or matrix size were left out.",
    )
    ORIENTATION_INVALID = (
        "ORIENTATION_INVALID",
        "Images whose orientation is not two perpendicular unit vectors were left out.",
    )
    MIXED_ORIENTATION = "MIXED_ORIENTATION", "The images have several orientations; the largest group was judged."
    MIXED_PIXEL_GRID = (
        "MIXED_PIXEL_GRID",
        "The images differ in pixel spacing or matrix size; the largest group was judged.",
    )
    MIXED_KERNEL = "MIXED_KERNEL", "The images have several reconstruction kernels; the largest group was judged."
    MIXED_FRAME_OF_REFERENCE = (
        "MIXED_FRAME_OF_REFERENCE",
        "The images name several frames of reference; if each names its own, this was ignored.",
    )
    MIXED_RESCALE = "MIXED_RESCALE", "Rescale slope or intercept differ between the images."
    RESCALE_MISSING = "RESCALE_MISSING", "Rescale slope or intercept are missing, so there are no Hounsfield units."
    MIXED_SLICE_THICKNESS = "MIXED_SLICE_THICKNESS", "The slice thickness differs between the images."
    DUPLICATE_INSTANCE = "DUPLICATE_INSTANCE", "An instance was given more than once and counted once."
    DUPLICATE_POSITIONS = (
        "DUPLICATE_POSITIONS",
        "Several images lie at one position, and nothing tells them apart as cardiac phases.",
    )
    MULTIPHASE_SPLIT = "MULTIPHASE_SPLIT", "The series was split into its cardiac phases."
    MULTIPHASE_UNLABELLED = (
        "MULTIPHASE_UNLABELLED",
        "The series looks like several phases, but no attribute names them; split by numbering, with low confidence.",
    )
    PHASE_GROUP = "PHASE_GROUP", "The series holds one cardiac phase of a scan whose other phases are in other series."
    PHASE_INCOMPLETE = "PHASE_INCOMPLETE", "At least one phase makes no sound volume; another one does."
    MISSING_SLICES = "MISSING_SLICES", "Slices are missing between others."
    NONUNIFORM_SPACING = "NONUNIFORM_SPACING", "The distances between the slices differ."
    SHEARED_TILT = "SHEARED_TILT", "The slices are stacked at an angle to their normal, as with a tilted gantry."
    GANTRY_TILT_TAG = "GANTRY_TILT_TAG", "The header states a tilted gantry."
    LATERAL_SHIFT = "LATERAL_SHIFT", "The slices are shifted sideways against each other."
    SLICE_GAP = "SLICE_GAP", "The slices are further apart than they are thick."
    OVERLAPPING_SLICES = "OVERLAPPING_SLICES", "The slices overlap, as usual for coronary CT angiography."
    TOO_FEW_SLICES = "TOO_FEW_SLICES", "Fewer than three slices make no volume."
    COVERAGE_SHORT = "COVERAGE_SHORT", "The slices cover less than 60 mm."
    COVERAGE_LIMITED = "COVERAGE_LIMITED", "The slices cover less than 90 mm; part of the heart may be missing."
    NOT_AXIAL = "NOT_AXIAL", "The slices are not axial."
    LOSSY_COMPRESSION = "LOSSY_COMPRESSION", "The images were compressed with loss; nothing is to be measured in them."

    # CT studies as a whole
    INDEX_INCOMPLETE = (
        "INDEX_INCOMPLETE",
        "Images were stored when Orthanc's index did not keep yet what a verdict needs; have Orthanc reconstruct the study.",
    )
    PATIENT_ID_MISSING = "PATIENT_ID_MISSING", "The Patient ID is missing, so the study stands for no patient."
    PATIENT_ID_CONFLICT = (
        "PATIENT_ID_CONFLICT",
        "Another study contradicts whose this one is: one study of two patients, or one Patient ID with two birth dates.",
    )

    # Cardiac CT: remarks
    DERIVED = "DERIVED", "Image Type says that the images are derived, e.g. monoenergetic."
    IMAGE_TYPE_MISSING = "IMAGE_TYPE_MISSING", "Image Type is missing."
    SOP_CLASS_MISSING = "SOP_CLASS_MISSING", "SOP Class UID is missing; the modality decided."
    IMAGES_LEFT_OUT = "IMAGES_LEFT_OUT", "Some objects of the series are no axial CT images and were left out."
    ATTRIBUTE_INVALID = "ATTRIBUTE_INVALID", "An attribute has an invalid value, which was taken as missing."
    CONTRAST_TAG = "CONTRAST_TAG", "The header states a contrast agent."
    CONFIRM_CONTRAST_BY_PIXELS = (
        "CONFIRM_CONTRAST_BY_PIXELS",
        "Whether contrast was given is not certain from the header.",
    )
    CONTRAST_BY_PIXELS = "CONTRAST_BY_PIXELS", "The blood in a few slices is bright: contrast was given."
    NO_CONTRAST_BY_PIXELS = "NO_CONTRAST_BY_PIXELS", "The blood in a few slices is dark: no contrast was given."
    CONTRAST_UNCERTAIN = "CONTRAST_UNCERTAIN", "The blood in a few slices is neither bright nor dark, or was not found."
    CONTRAST_DISAGREES = (
        "CONTRAST_DISAGREES",
        "The header states contrast or its absence, by the agent or the description, and the pixels show the opposite.",
    )
    THICK_FOR_CCTA = "THICK_FOR_CCTA", "The slices are rather thick for the coronary arteries."
    TOO_THICK_FOR_CCTA = "TOO_THICK_FOR_CCTA", "The slices are too thick for the coronary arteries."

    # Models
    MODEL_MISSING = "MODEL_MISSING", "The weights of the configured model are not there."
    MODEL_TAMPERED = "MODEL_TAMPERED", "The weights differ from those seen first; they are refused."
    MODEL_INVALID = "MODEL_INVALID", "The weights or the model card cannot be used."

    DEVICE_MISSING = "DEVICE_MISSING", "The GPU that AI.Device asks for is not there or cannot be used."

    # Why work waits
    PAUSED = "PAUSED", "An operator has paused the work."

    # Faults of a job
    WORKER_DIED = "WORKER_DIED", "The worker process died while it read the image."
    DEVICE_LOST = "DEVICE_LOST", "The process that computes scores on the GPU died while it had the image."
    DEADLINE_EXCEEDED = "DEADLINE_EXCEEDED", "The analysis took longer than AI.JobTimeout."
    FILE_UNREADABLE = "FILE_UNREADABLE", "Orthanc could not read the stored file."
    DATABASE_BUSY = "DATABASE_BUSY", "Orthanc could not read or write its index; trying again later helps."
    STORE_FAILED = "STORE_FAILED", "Orthanc could not store the result."
    STORE_REFUSED = "STORE_REFUSED", "Orthanc does not accept the result as a DICOM file."
    RESULT_UID_TAKEN = (
        "RESULT_UID_TAKEN",
        "Another object bears the identifier of the report, with other content; the report cannot be stored beside it.",
    )
    INTERNAL_ERROR = "INTERNAL_ERROR", "An unforeseen error; the log says more."

    # Sending a report on
    SEND_FAILED = "SEND_FAILED", "The destination did not take the report, or what it is told of it."
    DESTINATION_UNKNOWN = (
        "DESTINATION_UNKNOWN",
        "AI.SendTo or Orthanc does not name this modality, DICOMweb server or webhook any more.",
    )

    # Collecting from another archive
    PEER_UNKNOWN = "PEER_UNKNOWN", "Orthanc names no such modality or DICOMweb server."
    PEER_AWAY = "PEER_AWAY", "The other archive cannot be reached, or lets no association come about."
    PEER_REFUSED = "PEER_REFUSED", "The other archive answered that it does not do what it was asked."
    PEER_SILENT = "PEER_SILENT", "The other archive stopped answering."
    PEER_BROKE_OFF = "PEER_BROKE_OFF", "The other archive broke off a transfer."
    INSTANCES_MISSING = "INSTANCES_MISSING", "The other archive has sent fewer images than it says it has."
    TOO_MANY_STUDIES = "TOO_MANY_STUDIES", "More studies were found than the request allows; nothing was fetched."
    PATIENT_NOT_WANTED = "PATIENT_NOT_WANTED", "The study was found, but is of another patient than was asked for."
    DATE_NOT_WANTED = "DATE_NOT_WANTED", "The study was found, but is of another date than was asked for."
    MODALITY_NOT_WANTED = "MODALITY_NOT_WANTED", "The series is of another modality than was asked for."
    BODY_PART_NOT_WANTED = "BODY_PART_NOT_WANTED", "The series shows another part of the body than was asked for."
    DESCRIPTION_NOT_WANTED = (
        "DESCRIPTION_NOT_WANTED",
        "The description has none of the words that were asked for, or one that was excluded.",
    )

    # Batches
    TOO_MANY_BATCHES = "TOO_MANY_BATCHES", "Too many batches of this kind are waiting already."
    BATCHES_UNAVAILABLE = (
        "BATCHES_UNAVAILABLE",
        "The folder AI.BatchesDirectory cannot be written, e.g. for a full disk.",
    )

    # Exports
    EXPORTED = "EXPORTED", "The volume or image was written."
    PHASE_NOT_THERE = "PHASE_NOT_THERE", "The series has none of the phases that were asked for."
    NOTHING_SELECTED = "NOTHING_SELECTED", "The archive has nothing of what was asked for."
    CLASS_NOT_STATED = (
        "CLASS_NOT_STATED",
        "Nothing says into which of the classes the image falls, so it has no folder.",
    )

    # Gray levels of an image
    FRAME_NOT_THERE = "FRAME_NOT_THERE", "The image has no frame of this number."
    WINDOW_NOT_THERE = (
        "WINDOW_NOT_THERE",
        "The image has not the window that was asked for; it was shown as the viewer would open it.",
    )
    PIXEL_SPACING_MISSING = "PIXEL_SPACING_MISSING", "Pixel Spacing is missing; pixels were taken to be square."

    # Datasets: who is in them
    BURNED_IN = "BURNED_IN", "Burned In Annotation says that the pixels show a text about the patient."
    BURNED_IN_LIKELY = (
        "BURNED_IN_LIKELY",
        "The pixels may show a text about the patient: the image is of a kind that often does, and the header does not deny it.",
    )
    RECOGNIZABLE_FEATURES = (
        "RECOGNIZABLE_FEATURES",
        "Somebody may be recognized in the image, or in a face that is made from it.",
    )
    KEY_DESTROYED = "KEY_DESTROYED", "The dataset cannot grow: the key of its pseudonyms was not to be kept."
    SPLIT_CONFLICT = (
        "SPLIT_CONFLICT",
        "The image joins patients who stand on different sides of the split since an earlier dataset.",
    )

    # Datasets: labels of one's own
    LABELS_UNREADABLE = "LABELS_UNREADABLE", "The labels are no table that can be read without guessing."
    LABELS_CONTRADICT = "LABELS_CONTRADICT", "The labels say different things of one image, study or patient."

    # Tables of tags
    TAG_UNKNOWN = "TAG_UNKNOWN", "DICOM's data dictionary has no attribute with this keyword."
    TAG_WITHOUT_COLUMN = "TAG_WITHOUT_COLUMN", "The attribute is a sequence or binary data, which no column can hold."
    VALUE_UNFIT = "VALUE_UNFIT", "A value does not fit its column; the column `unfit` of the row says which."
    TOO_MANY_FRAMES = "TOO_MANY_FRAMES", "The object has more frames than a table takes of one."

    # Answers of the /ai routes
    OPERATOR_ONLY = "OPERATOR_ONLY", "Only the users whom AI.Operators names may do this."
    CROSS_SITE = "CROSS_SITE", "Another web site has asked for this; only this server's own pages may change anything."
    NOT_FOUND = "NOT_FOUND", "There is no such resource."
    BAD_REQUEST = "BAD_REQUEST", "The request cannot be understood."
    BODY_TOO_LARGE = "BODY_TOO_LARGE", "The request body is larger than allowed."
    METHOD_NOT_ALLOWED = "METHOD_NOT_ALLOWED", "The route exists, but not for this method."
    NOT_AN_XRAY = "NOT_AN_XRAY", "The instance is not an X-ray image; it is only counted."
    NOT_ANALYZED_YET = "NOT_ANALYZED_YET", "The resource has neither a report nor an outcome yet."
    NOTHING_TO_ANALYZE = "NOTHING_TO_ANALYZE", "The resource holds neither X-rays nor CT series."
    NOTHING_TO_CORRECT = (
        "NOTHING_TO_CORRECT",
        "There is no report on the image that a reader could agree or disagree with.",
    )
    FINDING_UNKNOWN = "FINDING_UNKNOWN", "The report has no finding of this name."
    NOTHING_STATED = "NOTHING_STATED", "The correction says nothing of any finding."
    READER_MISSING = "READER_MISSING", "The correction does not say who the reader is."
    READER_DIFFERS = "READER_DIFFERS", "Somebody else has logged in than the reader who is named."
    TOO_MANY_CORRECTIONS = "TOO_MANY_CORRECTIONS", "The image has as many corrections as it may have."
    CORRECTIONS_UNREADABLE = (
        "CORRECTIONS_UNREADABLE",
        "The metadata ai-corrections of the image cannot be read; somebody has changed it.",
    )
    AMBIGUOUS_IDENTIFIER = (
        "AMBIGUOUS_IDENTIFIER",
        "Several resources bear this identifier; use the Orthanc identifier.",
    )
    CATALOG_LOADING = "CATALOG_LOADING", "The catalogue is being read from Orthanc's index; asking again soon helps."
    CATALOG_TOO_LARGE = (
        "CATALOG_TOO_LARGE",
        "The archive has more series and X-rays than AI.Catalog.MaximumEntries lets the catalogue hold in memory.",
    )
    STARTING = "STARTING", "The server is starting."
    STOPPING = "STOPPING", "The server is stopping."
    VIEWER_MISSING = "VIEWER_MISSING", "The OHIF viewer is not installed where AI.ViewerDirectory says."
    CHARTS_MISSING = "CHARTS_MISSING", "The library that draws charts is not installed where AI.ChartsDirectory says."
