"""The markers of a JPEG file (ITU-T T.81, annex B): its size and its end, without decoding it."""

from __future__ import annotations

from collections.abc import Iterator

JPEG_START = b"\xff\xd8"
_END = b"\xff\xd9"
_SCAN = 0xDA
_EXIF = 0xE1
_FRAMES = frozenset({0xC0, 0xC1, 0xC2, 0xC3, 0xC5, 0xC6, 0xC7, 0xC9, 0xCA, 0xCB, 0xCD, 0xCE, 0xCF})
_WITHOUT_LENGTH = frozenset({0x01, *range(0xD0, 0xD9)})


def _segments(data: bytes) -> Iterator[tuple[int, int, int]]:
    """Marker, start and end of the payload of every segment up to and including the first scan's header."""
    position = len(JPEG_START)
    while position + 4 <= len(data) and data[position] == 0xFF:
        marker = data[position + 1]
        if marker == 0xFF:
            position += 1
        elif marker in _WITHOUT_LENGTH:
            position += 2
        else:
            end = position + 2 + int.from_bytes(data[position + 2 : position + 4], "big")
            yield marker, position + 4, end
            if marker == _SCAN:
                return
            position = end


def jpeg_end(data: bytes) -> int:
    """Where the end mark stands, -1 when the file stops before it.

    Searched behind the first scan's header: a thumbnail inside the header has an end mark of its own.
    """
    for marker, _, end in _segments(data):
        if marker == _SCAN:
            return data.find(_END, end)
    return -1


def jpeg_size(data: bytes) -> tuple[int, int] | None:
    """The (height, width) that the frame header states; None when there is none or the height is left open."""
    for marker, start, _ in _segments(data):
        if marker in _FRAMES:
            height, width = (int.from_bytes(data[start + offset : start + offset + 2], "big") for offset in (1, 3))
            return (height, width) if height and width else None
    return None


def has_exif(data: bytes) -> bool:
    """Whether the file carries EXIF data, which may turn the image when it is read."""
    return any(marker == _EXIF and data[start : start + 4] == b"Exif" for marker, start, _ in _segments(data))
