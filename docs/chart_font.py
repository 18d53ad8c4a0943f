"""Makes the fonts that charts ship: the characters of the project's own Chinese words, and no others.

    python docs/chart_font.py REGULAR BOLD       # Noto Sans CJK SC, as .otf or as a collection (.ttc)

Needs fonttools. To be run again when Chinese words of charts change; a test says when. Noto Sans CJK is licensed under
the SIL Open Font License 1.1, which allows this and asks for its text to travel along (harness/report/fonts/OFL.txt);
the subset has a name of its own, so that nothing takes it for the whole.
"""

from __future__ import annotations

import sys
from pathlib import Path

from fontTools.subset import Options, Subsetter
from fontTools.ttLib import TTCollection, TTFont

from harness.report.plot_style import FONTS, SHIPPED
from harness.report.plot_words import all_words

FAMILY = "Noto Sans CJK SC"


def shipped_characters() -> set[str]:
    """What is beyond Latin in the Chinese words of charts; Latin letters come from matplotlib's own font."""
    return {character for character in all_words("zh") if ord(character) > 0x2000}


def make_font(source: Path, weight: str, target: Path) -> None:
    """Write the subset of a font; equal fonts and words give equal bytes."""
    fonts = TTCollection(source).fonts if source.suffix == ".ttc" else [TTFont(source)]
    font = next(each for each in fonts if each["name"].getDebugName(1) == FAMILY)
    font["head"].modified = font["head"].created
    options = Options(layout_features=[], hinting=False, name_IDs=[0, 1, 2, 4, 6, 13, 14], notdef_outline=True)
    options.recalc_timestamp = False
    options.drop_tables += ["GSUB", "GPOS", "BASE", "VORG", "vhea", "vmtx", "DSIG"]
    subsetter = Subsetter(options)
    subsetter.populate(text="".join(sorted(shipped_characters())))
    subsetter.subset(font)
    for number, text in {1: SHIPPED, 2: weight, 4: f"{SHIPPED} {weight}", 6: f"Harness-CJK-{weight}"}.items():
        font["name"].setName(text, number, 3, 1, 0x409)
        font["name"].setName(text, number, 1, 0, 0)
    font.recalcTimestamp = False
    font.save(target)


if __name__ == "__main__":
    for name, weight in zip(sys.argv[1:3], ("Regular", "Bold"), strict=True):
        make_font(Path(name), weight, FONTS / f"harness-cjk-{weight.lower()}.otf")
