"""The one vocabulary of codes: in instance metadata, SR text, REST answers, logs and metrics.

Every code has one sentence that a user can read. A code is never renamed once released, since it is stored
in the archives of others.
"""

from enum import StrEnum


class Code(StrEnum):
    """What became of a resource, or what is remarkable about it.

    Members are their own names, so that a code reads the same wherever it is met.
    """

    sentence: str

    def __new__(cls, name: str, sentence: str) -> "Code":
        member = str.__new__(cls, name)
        member._value_ = name
        member.sentence = sentence
        return member

    # Ends of a job
    REPORTED = "REPORTED", "A report was stored beside the image."
    HELD = "HELD", "The configured model is not there yet; the work waits for it."
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
        "Some pixel values lie beyond the range that the header states; they were clipped.",
    )
    IMAGE_CROPPED = "IMAGE_CROPPED", "The image is far from square; the model saw its middle only."
    PIXELS_UNIFORM = "PIXELS_UNIFORM", "Every pixel has the same value; there is nothing to read."
    IMAGE_TOO_LARGE = "IMAGE_TOO_LARGE", "The header claims more pixels than a radiograph can have."
    IMAGE_TOO_SMALL = "IMAGE_TOO_SMALL", "The image has too few pixels to be a radiograph."
    HEADER_UNREADABLE = "HEADER_UNREADABLE", "The DICOM header could not be read."

    # Models
    MODEL_MISSING = "MODEL_MISSING", "The weights of the configured model are not there."
    MODEL_TAMPERED = "MODEL_TAMPERED", "The weights differ from those seen first; they are refused."
    MODEL_INVALID = "MODEL_INVALID", "The weights or the model card cannot be used."

    # Faults of a job
    WORKER_DIED = "WORKER_DIED", "The worker process died while it read the image."
    DEADLINE_EXCEEDED = "DEADLINE_EXCEEDED", "The analysis took longer than AI.JobTimeout."
    STORE_FAILED = "STORE_FAILED", "Orthanc did not accept the result."
    INTERNAL_ERROR = "INTERNAL_ERROR", "An unforeseen error; the log says more."

    # Answers of the /ai routes
    NOT_FOUND = "NOT_FOUND", "There is no such resource."
    BAD_REQUEST = "BAD_REQUEST", "The request cannot be understood."
    BODY_TOO_LARGE = "BODY_TOO_LARGE", "The request body is larger than allowed."
    METHOD_NOT_ALLOWED = "METHOD_NOT_ALLOWED", "The route exists, but not for this method."
    NOT_AN_XRAY = "NOT_AN_XRAY", "The instance is not an X-ray image; it is only counted."
    NOT_ANALYZED_YET = "NOT_ANALYZED_YET", "The resource has neither a report nor an outcome yet."
