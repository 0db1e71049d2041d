"""Words of series descriptions: what technologists and vendors call cardiac and other CT series, in many languages.

Bare "cor" is in no list: Siemens writes it for "coronal" and for "coronary".
"""

import functools
import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass

CARDIAC = (
    # English, vendor names; "coronar" and not "coron", which would take every coronal reformat
    r"\bheart",
    r"cardi(?!a\b)",  # not the cardia of the stomach
    r"coronar(?!al)",
    r"\bccta\b",
    r"\bcta\W?cor(?:o|\b)",
    r"\bcor\W?cta\b",
    r"\bcoro(?:\b|ct|scan|tdm)",
    r"\b(?:lad|lcx|rca)\b",
    r"\btav[ir]\b",
    r"\bbest\W?(?:dia|sys)",
    r"\b(?:dia|sys)stol",
    r"\b(?:ecg|ekg)\W?(?:gat|trig|sync)",
    r"snapshot\W?(?:pulse|freeze|assist|segment)",
    r"\bstep\W{0,3}(?:and|n)?\W{0,3}shoot",
    # German, French, Spanish, Portuguese, Italian, Dutch, Scandinavian, Polish, Czech, Turkish, Finnish
    r"herz",
    r"kardi",
    r"koronar",
    r"kranzgef",
    r"coeur",
    r"coronaire",
    r"corazon",
    r"coracao",
    r"\bcuore\b",
    r"\bhart(?:\b|ct|scan|kalk)",
    r"\bhj[ae]rt",
    r"\bserc[ae]",
    r"\bwiencow",
    r"\bsrd(?:ce|ec)",
    r"\bkalp\b",
    r"\bsydan",
    # Russian, Greek, Chinese, Japanese, Korean
    r"сердц",
    r"коронар",
    r"καρδι",
    r"στεφανι",
    "心[臓脏臟]",
    "冠[動动]脈",
    "冠[狀状][動动][脈脉]",
    "冠脉",
    "심장",
    "관상동맥",
)
"""A cardiac series or examination."""

CALCIUM = (
    r"\bca\W?sc(?:seq|spi|ore|oring|or)?\b",
    r"\bcacs?\b",
    r"\bcs\W?(?:seq|spi)\b",
    r"calcium",
    r"agatston",
    r"smart\W?score",
    r"calc\W?scor",
    r"kalzium|kalk\W?s[ck]or",
    r"calcique|calcio\b|calcica",
    r"\bheart\W*(?:w/?o|without|non\W?contrast|native|nativ)\b",
    "石灰化|カルシウム|钙化|钙积分|鈣化",
)
"""A series without contrast for calcium scoring. It is a cardiac series."""

ANGIOGRAPHY = (r"\bcta\b", r"cor\W?cta|\bccta", r"angio", r"coronarograf", r"\bbest\W?(?:dia|sys)")
"""A series with contrast, whatever the contrast attributes say."""

LOCALIZER = (r"topogram", r"scout", r"surview", r"locali[sz]er", r"\bscano(?:gram)?\b", r"planogram")
"""A projection radiograph for planning."""

BOLUS_TRACKING = (
    r"\bpre\W?monitor",
    r"\bmonitoring",
    r"\btest\W?bolus\b(?!.*\d ?%)",
    r"smart\W?prep",
    r"bolus\W?(?:track|timing|pro\b)",
    r"sure\W?start",
    r"\blocator\b",
    r"\btracker\b",
    r"\btiming\W?(?:bolus|run|scan)",
)
"""Images of one place that watch the contrast arrive."""

DOSE_OR_REPORT = (
    r"\bdose\W?(?:report|info|record|sheet|summary)",
    r"dosis",
    r"patient(?:en)?\W?proto[ck]ol",
    r"protocolo de(?:l)? paciente",
    r"rapport de dose",
    r"\bproto[ck]ol\b.*\b(?:page|seite)",
    r"exam summary",
    r"screen\W?save",
    r"\breport\b",
    r"\b(?:ecg|ekg)\W?(?:report|trace|strip|curve|page)",
)
"""A page of text, not an image of the patient."""

REFORMAT = (
    r"\bc?mprs?\b",
    r"\bcpr\b",
    r"\bcurved\b",
    r"\bm(?:in)?ips?\b",
    r"\bvrt?\b",
    r"\bvol(?:ume)?\W?rend",
    r"\b3d\W?(?:save|vr)",
    r"reformat",
    r"\bave(?:rage)?\b",
    r"\bshort\W?axis",
    r"\bsa[xo]\b",
    r"\b[234]\W?ch\b",
    r"\b(?:v?lax|long\W?axis)\b",
    r"\bspider\b",
    r"\brotat",
    r"\b[ck]oronal\b",
    r"\bsag(?:it+al)?\b",
)
"""A reformat, projection or rendering made of another series."""

PERFUSION_OR_LATE = (r"perfus", r"\bdelayed\b", r"\blate\W?(?:enh|iodine)", r"\bstress\b", r"\bctp\b")
"""Another examination of the heart than anatomy: perfusion, late enhancement."""

NO_CONTRAST = (r"^(?:none|no|non|without|ohne|sans|w/?o|n/?a|-+)$",)
"""Values of Contrast/Bolus Agent that say that none was given."""


@functools.lru_cache(maxsize=4096)
def normalised(text: str) -> str:
    """Text for matching: lower case, no accents, ligatures apart, underscores and carets as spaces."""
    return re.sub(r"[\s_^]+", " ", _plain(text.casefold())).strip()


@functools.cache
def _compiled(patterns: tuple[str, ...]) -> re.Pattern[str]:
    # No pattern at all matches nothing.
    return re.compile("|".join(f"(?:{pattern})" for pattern in patterns) or r"(?!)", re.IGNORECASE)


def says(patterns: tuple[str, ...], text: str) -> bool:
    """Whether one of the patterns is found in a description, however it is written."""
    return _compiled(patterns).search(normalised(text)) is not None


@dataclass(frozen=True, slots=True)
class Words:
    """The words by which descriptions are told apart: regular expressions for text as `normalised` gives it."""

    cardiac: tuple[str, ...] = CARDIAC + CALCIUM
    calcium: tuple[str, ...] = CALCIUM
    angiography: tuple[str, ...] = ANGIOGRAPHY
    localizer: tuple[str, ...] = LOCALIZER
    bolus_tracking: tuple[str, ...] = BOLUS_TRACKING
    dose_or_report: tuple[str, ...] = DOSE_OR_REPORT
    reformat: tuple[str, ...] = REFORMAT
    perfusion_or_late: tuple[str, ...] = PERFUSION_OR_LATE
    no_contrast: tuple[str, ...] = NO_CONTRAST

    @classmethod
    def with_cardiac(cls, further: Iterable[str]) -> "Words":
        """The defaults, and a site's further words for cardiac series, with or without accents.

        Raises
        ------
        ValueError
            If one of them is not a regular expression; the message names it.
        """
        patterns = tuple(further)
        for pattern in patterns:
            try:
                re.compile(pattern)
            except re.error as error:
                raise ValueError(f"not a regular expression: {pattern!r} ({error})") from None
        return cls(cardiac=CARDIAC + CALCIUM + tuple(map(_plain, patterns)))


def _plain(text: str) -> str:
    """Text without accents and ligatures."""
    apart = unicodedata.normalize("NFKD", text.replace("œ", "oe").replace("Œ", "OE"))
    return unicodedata.normalize("NFC", "".join(c for c in apart if not unicodedata.combining(c)))
