import xml.etree.ElementTree as ET

from phantom.heart import draw_heart
from phantom.heart.pictures import PLANS, SEED, tree_svg


def test_the_tree_names_arteries_and_lesions() -> None:
    heart = draw_heart(SEED, PLANS)
    svg = ET.fromstring(tree_svg(heart))
    texts = [element.text or "" for element in svg.iter("{http://www.w3.org/2000/svg}text")]
    assert set(heart.vessels) <= set(texts)
    assert sorted(text for text in texts if "%" in text) == [
        "30 %, calcified",
        "40 %, calcified",
        "50 %, calcified",
        "60 %",
        "70 %",
    ]
    assert len(list(svg.iter("{http://www.w3.org/2000/svg}circle"))) == len(PLANS)
