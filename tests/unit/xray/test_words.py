import pytest
from hypothesis import given
from hypothesis import strategies as st

from orthanc_ai.xray.words import Part, View, names_animal, names_secondary, part_named, says_nothing, view_named


@pytest.mark.parametrize(
    "text",
    [
        *(
            "CHEST",
            "Chest PA",
            "CHEST_PA",
            "ChestPA",
            "PORT CHEST 1V",
            "XR CHEST 2 VIEWS",
            "[CHEST,GENERAL     ]",
            "CXR",
        ),
        *("Thorax", "THORAX DE FACE", "Röntgen-Thorax p.a.", "Lunge", "X-Thorax", "Rx tórax", "TORAX AP", "Tórax PA"),
        *("Radiographie thoracique", "Poumons", "RX TORACE 2P", "Radiografia do tórax", "Polmoni", "Longen"),
        *("Lungor", "keuhkot", "Klatka piersiowa PA", "Mellkas", "Akciğer grafisi", "hrudník", "ОГК", "Лёгкие прямая"),
        *("органов грудной клетки", "胸部", "胸部正位", "胸部X線", "흉부", "صدر", "חזה", "ทรวงอก", "Θώρακας"),
    ],
)
def test_chest_in_many_languages(text: str) -> None:
    assert part_named(text) is Part.CHEST


@pytest.mark.parametrize(
    "text",
    [
        *("HIP", "HIP JOINT", "[LOWER LEG         ]", "Abdomen AP", "KUB", "Pelvis", "Knie links", "GENOU", "rodilla"),
        *("LSPINE", "C-SPINE", "Thoracic spine", "T-Spine AP", "BWS", "Brustwirbelsäule", "rachis thoracique"),
        *("columna torácica", "грудной отдел позвоночника", "胸椎", "Schädel", "Ribs", "RIPPEN", "STERNUM", "Schulter"),
        *("骨盆", "膝关节", "腹部", "Mammography", "BREAST", "Non-ossifying fibroma of distal tibia", "Hand li."),
    ],
)
def test_other_parts_of_the_body(text: str) -> None:
    assert part_named(text) is Part.OTHER


@pytest.mark.parametrize("text", ["CHEST/ABDOMEN", "CHESTABDOMEN", "Thorax und Abdomen", "Neck/Chest", "胸腹部"])
def test_the_chest_among_others(text: str) -> None:
    assert part_named(text) is Part.BOTH


@pytest.mark.parametrize(
    "text", ["", "No Finding", "view: PA", "Routine", "12345", "JPEG 2000", "ICU bedside", "Emergency"]
)
def test_texts_that_name_no_part(text: str) -> None:
    assert part_named(text) is None


@pytest.mark.parametrize(
    ("text", "view"),
    [
        ("view: PA", View.PA),
        ("Thorax p.a.", View.PA),
        ("CHEST P-A", View.PA),
        ("W Chest PA upright", View.PA),
        ("Posteroanterior", View.PA),
        ("postero-anterior", View.PA),
        ("胸部后前位", View.PA),
        ("CHEST AP PORT", View.AP),
        ("Thorax a.p. liegend", View.AP),
        ("antéropostérieur", View.AP),
        ("Thorax de face", View.FRONTAL),
        ("CHEST FRONTAL", View.FRONTAL),
        ("胸部正位", View.FRONTAL),
        ("CHEST AP/PA", View.FRONTAL),
        ("CHEST LAT", View.LATERAL),
        ("Chest LATERAL", View.LATERAL),
        ("Thorax seitlich", View.LATERAL),
        ("thorax profil", View.LATERAL),
        ("TORAX PERFIL", View.LATERAL),
        ("Torace LL", View.LATERAL),
        ("боковая", View.LATERAL),
        ("胸部側面", View.LATERAL),
        ("CANINE LATERAL THORAX 0-15cm", View.LATERAL),
        ("CHEST OBLIQUE", View.OTHER),
        ("Left lateral decubitus", View.OTHER),
        ("APICAL LORDOTIC", View.OTHER),
        ("Tórax decúbito supino", None),
        ("CHEST PA AND LATERAL", None),
        ("XR CHEST 2 VIEWS", None),
        ("bilateral", None),
        ("Japan", None),
        ("", None),
    ],
)
def test_views(text: str, view: View | None) -> None:
    assert view_named(text) is view


@pytest.mark.parametrize("text", ["CANINE LATERAL THORAX 0-15cm", "Feline chest", "VETERINARY", "veterinaria"])
def test_animals(text: str) -> None:
    assert names_animal(text)


@pytest.mark.parametrize("text", ["dog bite", "bovine valve", "CAT scan", "Veterans hospital", "vet", ""])
def test_people(text: str) -> None:
    assert not names_animal(text)


@pytest.mark.parametrize(
    "text", ["Screen Save", "SCREENSHOT", "screen_capture", "Dose Report", "Scanned Documents", "Bone Suppressed PA"]
)
def test_pictures_of_something_else(text: str) -> None:
    assert names_secondary(text)


@pytest.mark.parametrize("text", ["CHEST PA", "SECONDARY", "Dual Energy Chest", "Screening chest", ""])
def test_pictures_of_the_patient(text: str) -> None:
    assert not names_secondary(text)


def test_body_parts_that_say_nothing() -> None:
    assert says_nothing("UNKNOWN")
    assert says_nothing("N/A")
    assert says_nothing("-")
    assert not says_nothing("CHEST")
    assert not says_nothing("XYZ")


@given(st.text())
def test_any_text_can_be_read(text: str) -> None:
    part_named(text)
    view_named(text)
    names_animal(text)
    names_secondary(text)
    says_nothing(text)
