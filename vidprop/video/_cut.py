"""Whether a file is shorter than its own header says, which demuxers pass over in silence."""

from pathlib import Path

_SEGMENT = b"\x18\x53\x80\x67"
_SEARCHED = 4096
_SIZE_LATER = (0, 0xFFFFFFFF)


def is_cut(path: Path) -> bool:
    """True for a Matroska, WebM, AVI or JPEG file whose end is missing.

    Source: RFC 8794, 4 (element sizes); RFC 9559, 5.1 (Segment); Microsoft RIFF;
    ITU-T T.81, B.1.1.3 (end of image).
    """
    with path.open("rb") as file:
        head = file.read(_SEARCHED)
        if head.startswith(b"\xff\xd8"):
            file.seek(max(0, path.stat().st_size - _SEARCHED))
            return b"\xff\xd9" not in file.read()
    said = _matroska_size(head) if head.startswith(b"\x1a\x45\xdf\xa3") else _riff_size(head)
    return said is not None and path.stat().st_size < said


def _matroska_size(head: bytes) -> int | None:
    place = head.find(_SEGMENT)
    if place < 0 or place + 12 > len(head):
        return None
    first = head[place + 4]
    length = 9 - first.bit_length()
    content = place + 4 + length
    bits = 7 * length
    size = int.from_bytes(head[place + 4 : content], "big") & ((1 << bits) - 1)
    # All bits set: a stream whose size was not known when it was written.
    return None if size == (1 << bits) - 1 else content + size


def _riff_size(head: bytes) -> int | None:
    if head[:4] != b"RIFF" or head[8:11] != b"AVI":
        return None
    size = int.from_bytes(head[4:8], "little")
    return None if size in _SIZE_LATER else size + 8
