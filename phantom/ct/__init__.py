"""Small synthetic CT series with known truth: cardiac, chest and head, of four vendors, whole and damaged.

The headers are those of real scanners where series selection reads them; the anatomy is coarse, so that a viewer shows
something and 200 slices are written in a second. `phantom.heart` has a heart whose vessels and calcium can be measured.
"""

from phantom.ct.damages import DAMAGES
from phantom.ct.protocol import PROTOCOLS, Kind, Protocol
from phantom.ct.series import ct_series, series_of
from phantom.ct.vendors import VENDORS, Vendor, vendor_series

__all__ = [
    "DAMAGES",
    "PROTOCOLS",
    "VENDORS",
    "Kind",
    "Protocol",
    "Vendor",
    "ct_series",
    "series_of",
    "vendor_series",
]
