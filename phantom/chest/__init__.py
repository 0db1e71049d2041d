"""Digital chest radiographs with known truth."""

from phantom.chest.findings import LABELS, NOT_SHOWN, Chest, Finding, draw_chest
from phantom.chest.radiograph import Place, Radiograph, Truth, render

__all__ = ["LABELS", "NOT_SHOWN", "Chest", "Finding", "Place", "Radiograph", "Truth", "draw_chest", "render"]
