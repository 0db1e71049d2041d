"""What the free text of a header says about body part, view and species, in many languages.

A word is compared with whole tokens of letters, accents and case aside; ``*`` at its end stands for any ending. Words of
scripts that are written without spaces, between two ``*``, are looked for anywhere.
"""

import re
import unicodedata
from enum import Enum


class Part(Enum):
    """Which part of the body a text names."""

    CHEST = "chest"
    OTHER = "other"
    BOTH = "both"


class View(Enum):
    """From which side a text says that the image was taken."""

    PA = "PA"
    AP = "AP"
    FRONTAL = "frontal"
    LATERAL = "lateral"
    OTHER = "other"


def part_named(text: str) -> Part | None:
    """The part of the body that a text names, ``BOTH`` for the chest among others, ``None`` for none."""
    words = _Words(text.replace(_THORACIC_VERTEBRAE, _THORACIC_VERTEBRAE[1:]))
    chest, other = words.say(_CHEST), words.say(_OTHER_PARTS)
    if chest and other:
        return Part.BOTH
    if other:
        return Part.OTHER
    # "Thoracic" is the spine's word as much as the chest's; it counts where no spine is named.
    return Part.CHEST if chest or words.say(_THORACIC) else None


def view_named(text: str) -> View | None:
    """The view that a text names; ``None`` for none, or for frontal and lateral together ("PA and lateral")."""
    words = _Words(text)
    lateral, decubitus = words.say(_LATERAL), words.say(_DECUBITUS)
    # Spanish, Portuguese and Italian "decubito" by itself is any lying position; decubitus views lie on the side.
    if words.say(_OTHER_VIEWS) or (decubitus and lateral):
        return View.OTHER
    pa, ap = words.say(_PA), words.say(_AP)
    frontal = pa or ap or words.say(_FRONTAL)
    if frontal == lateral:
        return None
    if lateral:
        return View.LATERAL
    if pa != ap:
        return View.PA if pa else View.AP
    return View.FRONTAL


def names_animal(text: str) -> bool:
    """Whether a text names an animal."""
    return _Words(text).say(_ANIMALS)


def names_secondary(text: str) -> bool:
    """Whether a text says that the image was made from another one, or shows a screen or a form."""
    return _SECONDARY.search(_fold(text)) is not None


def says_nothing(text: str) -> bool:
    """Whether a body part in words is only a way of not naming one."""
    return not (_Words(text).tokens - _NOTHING)


class _Words:
    def __init__(self, text: str) -> None:
        self._text = _fold(text)
        self.tokens = frozenset(re.findall(r"[^\W\d_]+", self._text))

    def say(self, words: frozenset[str]) -> bool:
        return any(self._has(word) for word in words)

    def _has(self, word: str) -> bool:
        if word.startswith("*"):
            return word.strip("*") in self._text
        if word.endswith("*"):
            return any(token.startswith(word[:-1]) for token in self.tokens)
        return word in self.tokens


def _fold(text: str) -> str:
    """Lower case without accents, with "ChestPA" taken apart, "P.A." and "postero-anterior" put together."""
    text = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", text)
    decomposed = unicodedata.normalize("NFKD", text.casefold())
    plain = "".join(letter for letter in decomposed if not unicodedata.combining(letter))
    joined = re.sub(r"\b(antero|postero)[ -]", r"\1", plain)
    return re.sub(r"\b([pa])[.-] ?([pa])\b", r"\1\2", joined)


def _list(text: str) -> frozenset[str]:
    return frozenset(_fold(word) for word in text.split())


_CHEST = _list("""
    chest* thorax* cxr lung lungs lunge lungen lungor lungene pulmo pulmon pulmones pulmao pulmoes polmone polmoni
    poumon poumons longen torax* torace toraks* brustkorb brystkasse brostkorg rintakeha keuhko* pluca klatki klatka
    piersiowej hrudnik* plice mellkas* akciger* gogus paru nguc phoi mediastin* heart herz
    легк* огк θωρακ* πνευμον* *胸* *肺* *흉부* *폐* *صدر* *חזה* *ทรวงอก* *ปอด* *छाती*
""")

_THORACIC = _list("thoraci* toracic* toraciq* thorakal* torakal* грудн*")

# Thoracic vertebrae in Chinese and Japanese, written with the sign for the chest.
_THORACIC_VERTEBRAE = "胸椎"

_OTHER_PARTS = _list("""
    abdom* abd kub bauch* buik* ventre addome vientre pelvi* becken* bekken bassin bacino hip hips hufte* hanche*
    cadera* anca anche heup femur* femoral oberschenkel* thigh knee* knie* genou* rodilla* ginocchi* joelho* polvi*
    kolan* tibia* fibula* unterschenkel* leg legs lowerleg ankle* sprunggelenk* cheville* tobillo* caviglia*
    tornozelo* foot feet fuss* pied pieds piede piedi voet heel calcan* toe toes zehe* hand hands hande mano manos
    mani maos finger* thumb* daumen wrist* handgelenk* poignet* muneca* polso pols forearm* unterarm* elbow*
    ellenbogen* ellbogen* coude* codo* gomito* cotovelo* humer* oberarm* upperarm shoulder* schulter* epaule*
    hombro* spalla* ombro* schouder* clavic* schlusselbein* scapula* acromio* spine* spinal cspine tspine lspine
    lumbar* lumbo* lws hws bws cervical* rachis columna* colonna coluna* wirbelsaul* brustwirbel* halswirbel*
    lendenwirbel* wervel* vertebr* sacr* coccy* steissbein skull* schadel* crane* crani* head heads kopf* testa
    cabeza* facial sinus* nnh orbit* jaw* kiefer* mandib* maxill* tooth teeth dental* zahn* nasal nasen* nose neck*
    hals cou collo cuello pescoco rib ribs rippe* cotes coste costilla* costal* costole* costela* sternum* sternal*
    esternon* breast* mamm* extremit* limb limbs esophag* oesophag* stomach* bowel* colon kidney* urogra* wholebody
    scoliosis skoliose* longbone* legbone* chestabd* thoraxabd* toraxabd* neckchest*
    живот* брюшн* позвон* таз* череп* кист* стоп* колен* плеч* бедр* ребр*
    *腹* *骨盤* *骨盆* *頭部* *头颅* *头部* *膝* *脊* *椎* *股* *肩* *肘* *腰* *복부* *척추* *무릎* *골반*
""")  # noqa: RUF001 - Russian words

_PA = _list("pa posteroant* posterioant* posteriorant* *后前位* *後前*")
_AP = _list("ap anteropost* anterioropost* anteriorpost* *前后位* *前後位*")
_FRONTAL = _list("frontal* front face facial прям* *正位* *正面* *정면*")
_LATERAL = _list("""
    lat later* llat rlat ll rl seitlich* seite profil profile profilo perfil bocn* боков* sivukuva
    *侧位* *側位* *側面* *측면*
""")
_OTHER_VIEWS = _list("decub decubitus obl obliq* oblic* oblik* schrag* lordot* lordos* axial tangent* swimmer*")
_DECUBITUS = _list("decubit*")

# Neither nouns (a dog bites) nor the animals of heart valves (bovine, porcine).
_ANIMALS = _list("canine feline veterinar*")

_NOTHING = _list("""
    unknown undefined unspecified other others none na n a not applicable default general misc miscellaneous body
    trunk portable mobile bedside xray x ray xr cr dx dr rad radiograph any all various user test
""")

_SECONDARY = re.compile(
    r"screen[ _-]?(?:save|shot|capture)|dose[ _-]?(?:report|summary|info)|scanned[ _-]?(?:document|form|paper)"
    r"|requisition|(?:bone|rib)s?[ _-]?suppress"
)
