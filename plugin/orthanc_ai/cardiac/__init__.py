"""Cardiac CT: which series of a study show the heart, and whether they make a volume.

Pure functions of headers: `header.Header` in, `verdict.StudyVerdict` out, see `judge.judge_study`.
"""
