"""The end of a dataset: its images are divided, moved to where they belong, and described."""

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from ..batches.batch import BatchError
from ..batches.run import Run
from ..codes import Code
from ..deidentify.options import Options
from ..deidentify.private import Private
from ..deidentify.pseudonyms import Pseudonyms
from .check import check_rows
from .classes import class_of, folder_name
from .entries import entry_of, left_out_of
from .manifest import COLUMNS, MANIFEST, TABLE, table_of, write_manifest, write_table
from .members import Member
from .moves import move
from .planned import Planned
from .recipe import Recipe
from .splits import Division, Earlier, Plan, divide

IMAGES = "images"
"""Folder of the images where they lie flat."""


class Conclusion:
    """What is done when all images of a dataset are written.

    Parameters
    ----------
    stage
        Folder of the images as they were written.
    head
        What else the manifest says; see `manifest.write_manifest`.
    earlier
        How the dataset is divided that this one grows from.
    """

    def __init__(
        self,
        run: Run,
        recipe: Recipe,
        options: Options,
        private: Private,
        pseudonyms: Pseudonyms,
        *,
        stage: Path,
        head: Mapping[str, Any],
        earlier: Earlier | None,
    ) -> None:
        self._run = run
        self._recipe = recipe
        self._options = options
        self._private = private
        self._pseudonyms = pseudonyms
        self._stage = stage
        self._head = head
        self._earlier = earlier

    def draw(self, planned: list[Planned]) -> None:
        """Divide, move and describe the images.

        Raises
        ------
        InterruptedBatch, BatchError, OSError
        """
        images: list[dict[str, Any]] = []
        left_out: list[dict[str, Any]] = []
        division = self._divided(planned)
        for one in planned:
            self._run.check()
            record = self._run.settled[one.name]
            left_out += [left_out_of(one, gone, self._options, self._pseudonyms) for gone in record["leftOut"]]
            for image in record["images"]:
                entry = entry_of(one, image, self._options, self._pseudonyms)
                code = self._place(one, entry, division)
                if code is None:
                    images.append(entry)
                else:
                    gone = {"frame": image["frame"], "code": code}
                    left_out.append(left_out_of(one, gone, self._options, self._pseudonyms))
        move(self._run, self._stage, {entry["written"]: entry["file"] for entry in images})
        for entry in images:
            del entry["written"]
        # Before the manifest is there, without which nothing grows from this. What is not divided itself hands on the sides.
        kept = division.earlier if division else self._earlier
        if kept:
            self._private.keep_division(kept.to_json())
        self._describe(sorted(images, key=lambda one: one["file"]), sorted(left_out, key=_order))

    def _divided(self, planned: list[Planned]) -> Division | None:
        split = self._recipe.split
        if split is None:
            return None
        written = {image["file"]: one for one in planned for image in self._run.settled[one.name]["images"]}
        stratify = self._recipe.stratify
        members = []
        for content in self._private.members():
            one = written.get(content["key"])
            if one is not None:
                stratum = class_of(one.chosen, stratify, one.labels, one.readers) if stratify else ""
                members.append(Member.of({**content, "stratum": stratum or ""}))
        try:
            return divide(members, Plan(split["ratios"], split["seed"]), self._earlier)
        except ValueError as error:
            raise BatchError(Code.BAD_REQUEST, str(error)) from None

    def _place(self, one: Planned, entry: dict[str, Any], division: Division | None) -> Code | None:
        """Say of an image where it lies; the code if it is left out."""
        written = entry["file"]
        parts = []
        if division:
            if written in division.left_out:
                return division.left_out[written]
            entry["split"] = division.sides[written]
            entry["group"] = self._pseudonyms.name("group", division.groups[written])
            parts.append(entry["split"])
        if self._recipe.classes:
            entry["class"] = class_of(one.chosen, self._recipe.classes, one.labels, one.readers)
            if self._recipe.layout == "folders":
                if entry["class"] is None:
                    return Code.CLASS_NOT_STATED
                parts.append(folder_name(entry["class"]))
        folder = "/".join(parts) if self._recipe.layout == "folders" and parts else IMAGES
        entry |= {"written": written, "file": f"{folder}/{written}"}
        return None

    def _describe(self, images: list[dict[str, Any]], left_out: list[dict[str, Any]]) -> None:
        output = self._run.output
        codes: dict[str, int] = {str(Code.EXPORTED): len(images)} if images else {}
        for gone in left_out:
            codes[gone["code"]] = codes.get(gone["code"], 0) + 1
        sides: dict[str, int] = {}
        for one in images:
            sides[one.get("split", "")] = sides.get(one.get("split", ""), 0) + 1
        counts = {
            "images": len(images),
            "patients": len({one["patient"] for one in images}),
            "codes": codes,
            **({"splits": sides} if self._recipe.split else {}),
        }
        head = {**self._head, "counts": counts, "table": write_table(output / TABLE, *table_of(images))}
        if self._recipe.split:
            check = check_rows(_identities(images))
            if check.leaks:
                # The division has a fault: better no dataset than one in which a patient stands on two sides.
                raise BatchError(Code.INTERNAL_ERROR, "the check has found images of one patient on two sides")
            head["check"] = check.to_json()
        digest = write_manifest(output / MANIFEST, head, {"images": images, "leftOut": left_out})
        self._run.summarise(manifest=digest, **counts)


def _identities(images: Iterable[Mapping[str, Any]]) -> Iterator[dict[str, Any]]:
    """What the check looks at."""
    return ({column: one.get(name) for column, name in COLUMNS.items()} for one in images)


def _order(gone: Mapping[str, Any]) -> tuple[str, int]:
    return gone["image"], gone["frame"] or 0
