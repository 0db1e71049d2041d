"""The cardiothoracic ratio of a frontal chest radiograph: heart, lungs and thorax outlined, and two widths measured."""
