"""What goes from the source into the output beside the picture: sound, subtitles, the rest."""

from dataclasses import dataclass
from functools import cache
from os import devnull
from pathlib import Path
from typing import Any

import av

from ._container import open_media
from ._containers import Container

# Names of these differ between decoder and muxer, and Matroska holds them.
_TEXT_SUBTITLES = {"subrip", "srt", "ass", "ssa", "webvtt", "mov_text", "text"}
_ATTACHABLE = "matroska"


@dataclass(frozen=True, slots=True)
class Copying:
    """Output options, and what could not be copied as it is, in words."""

    arguments: tuple[str, ...]
    notes: tuple[str, ...]


def copying(source: Path, container: Container) -> Copying:
    """Choose what is taken from `source`, ffmpeg's input 1.

    Sound and subtitles are copied packet for packet where the container can hold them,
    else converted (subtitles of pictures are left out). Chapters and metadata come along.

    Raises:
        DecodeError: the source cannot be read.
    """
    arguments = ["-map_metadata", "1", "-map_chapters", "1"]
    notes: list[str] = []
    with open_media(source) as media:
        for number, stream in enumerate(media.streams.audio):
            arguments += ["-map", f"1:{stream.index}"]
            arguments += _audio(stream, number, container, notes)
        number = 0
        for stream in media.streams.subtitles:
            options = _subtitle(stream, number, container, notes)
            if options:
                arguments += ["-map", f"1:{stream.index}", *options]
                number += 1
        if container.muxer == _ATTACHABLE:
            arguments += ["-map", "1:t?", "-c:t", "copy"]
        elif media.streams.attachments:
            notes.append(f"attachments are left out: {container.muxer} holds none")
    return Copying(tuple(arguments), tuple(notes))


def _audio(stream: Any, number: int, container: Container, notes: list[str]) -> list[str]:
    name = _codec_name(stream)
    if not container.audio or name in _held_by(container.muxer):
        return [f"-c:a:{number}", "copy"]
    if container.muxer == "mxf" and name == "pcm_s24le":
        return [f"-c:a:{number}", "copy"]
    notes.append(f"sound {number} becomes {container.audio}: {container.muxer} holds no {name}")
    # Named, since filters are not put in by themselves; MXF and Opus want this rate.
    resampled = [f"-filter:a:{number}", "aresample=48000"]
    quality = [] if container.audio.startswith("pcm") else [f"-b:a:{number}", "256k"]
    return [f"-c:a:{number}", container.audio, *resampled, *quality]


def _subtitle(stream: Any, number: int, container: Container, notes: list[str]) -> list[str]:
    name = _codec_name(stream)
    is_text = name in _TEXT_SUBTITLES
    if container.muxer == "matroska" and name != "mov_text":
        return [f"-c:s:{number}", "copy"]
    if is_text and container.text:
        own = {"srt": "subrip"}.get(container.text, container.text)
        return [f"-c:s:{number}", "copy" if name == own else container.text]
    notes.append(f"subtitles in {name} are left out: {container.muxer} cannot hold them")
    return []


def _codec_name(stream: Any) -> str:
    codec = stream.codec_context.codec if stream.codec_context else None
    return str(codec.canonical_name) if codec else "an unknown codec"


@cache
def _held_by(muxer: str) -> frozenset[str]:
    with av.open(devnull, "w", format=muxer) as output:
        return frozenset(output.supported_codecs)
