"""How a video file is encoded: chosen from its name, its source and a few wishes."""

from dataclasses import dataclass, replace
from pathlib import Path

from vidprop.errors import EncodeError, InputError

from ._codecs import Codec, Quality, codec_named, layout_name, with_layout
from ._containers import container_of, usual_codec
from .formats import PlaneFormat
from .mastering import ContentLight, Mastering

# More is played by few.
_PLAYED_DEPTH = 10


@dataclass(frozen=True, slots=True)
class Encoding:
    """What is handed to ffmpeg's encoder.

    codec: h264, hevc, av1, av1-aom, vp9, prores, ffv1, mpeg2 or dnxhd.
    format: of the planes in the file.
    crf: constant quality; 0 is lossless for h264, hevc and vp9. None where there is none.
    preset: the encoder's speed, in its own words (medium; 8), or a profile for prores
        and dnxhd, or the quantiser of mpeg2.
    mastering, light: HDR10's static metadata.
    options: further output options of ffmpeg, which win over ours.
    """

    codec: str
    format: PlaneFormat
    crf: int | None = None
    preset: str | None = None
    mastering: Mastering | None = None
    light: ContentLight | None = None
    options: tuple[str, ...] = ()


def plan_encoding(
    path: str | Path,
    given: PlaneFormat,
    *,
    size: tuple[int, int],
    source_codec: str = "",
    codec: str | None = None,
    crf: int | None = None,
    pix_fmt: str | None = None,
    preset: str | None = None,
) -> Encoding:
    """Choose the encoding of `path` for frames of format `given`.

    Without a codec the container's usual one is taken. Codecs for playing get 4:2:0, or
    4:4:4 if the size is odd, and at most 10 bits; those for work (ffv1, prores, dnxhd) and
    whatever is lossless (crf 0) the source's chroma and depth, or the nearest they have.

    Args:
        size: width and height.
        source_codec: the codec of the clip the frames come from.
        pix_fmt: ffmpeg's name of a layout, which is taken as it is.
    Raises:
        EncodeError: no such container or codec, or the two do not go together.
        InputError: the codec has no such layout, or no constant quality.
    """
    path = Path(path)
    container = container_of(path)
    chosen = codec_named(codec or usual_codec(path, given, source_codec))
    if chosen.name not in container.codecs:
        raise EncodeError(
            f"{path}: {path.suffix} files hold {', '.join(container.codecs)}, not {chosen.name}"
        )
    if chosen.name == "av1" and _needs_aom(pix_fmt, given, size):
        chosen = codec_named("av1-aom")
    if pix_fmt:
        stored = with_layout(given, pix_fmt)
    else:
        stored = _usual_layout(chosen, given, size, lossless=crf == 0)
    if not chosen.full_range:
        stored = replace(stored, full_range=False)
    _check_layout(chosen, stored)
    if crf is not None and chosen.crf is None:
        raise InputError(f"crf: {chosen.name} has no constant quality")
    return Encoding(chosen.name, stored, chosen.crf if crf is None else crf, preset)


def encoder_arguments(encoding: Encoding, muxer: str) -> list[str]:
    """ffmpeg's options for the encoder.

    Raises:
        EncodeError: there is no such codec.
        InputError: the codec has no such layout.
    """
    codec = codec_named(encoding.codec)
    _check_layout(codec, encoding.format)
    crf = codec.crf if encoding.crf is None else encoding.crf
    arguments = ["-c:v", codec.encoder, "-pix_fmt", layout_name(encoding.format)]
    arguments += codec.options(Quality(encoding.format, crf, encoding.preset))
    if codec.name == "hevc":
        arguments += ["-x265-params", ":".join(_x265_parameters(encoding))]
        arguments += ["-tag:v", "hvc1"] if muxer in ("mp4", "mov") else []
    if codec.name == "h264" and muxer == "avi":
        arguments += ["-bf", "0"]  # AVI has no times of its own for reordered frames
    return [*arguments, *encoding.options]


def _needs_aom(pix_fmt: str | None, given: PlaneFormat, size: tuple[int, int]) -> bool:
    """SVT-AV1, the faster of the two encoders, has 4:2:0 and sides of 64 to 16384 only."""
    if min(size) < 64 or any(side % 2 for side in size):
        return True
    svt = codec_named("av1")
    return pix_fmt is not None and layout_name(with_layout(given, pix_fmt)) not in svt.layouts


def _usual_layout(
    codec: Codec, given: PlaneFormat, size: tuple[int, int], *, lossless: bool
) -> PlaneFormat:
    keeps = codec.keeps_chroma or lossless
    wanted = replace(given, rgb=False, alpha=given.alpha and keeps)
    if given.grey and codec.name != "ffv1":
        wanted = replace(wanted, grey=False, subsampling=(1, 1))
    if not keeps:
        wanted = replace(wanted, subsampling=(1, 1), bit_depth=min(given.bit_depth, _PLAYED_DEPTH))
    if codec.even and any(side % 2 for side in size):
        wanted = replace(wanted, subsampling=(0, 0))
    return _nearest(codec, wanted)


def _nearest(codec: Codec, wanted: PlaneFormat) -> PlaneFormat:
    """The layout that loses least: chroma before depth before opacity."""
    all_layouts = [with_layout(wanted, name) for name in sorted(codec.layouts)]
    layouts = [one for one in all_layouts if one.grey == wanted.grey and not one.rgb]
    return min(layouts, key=lambda one: _loss(one, wanted)) if layouts else wanted


def _loss(stored: PlaneFormat, wanted: PlaneFormat) -> tuple[int, ...]:
    coarser = sum(
        max(s - w, 0) for s, w in zip(stored.subsampling, wanted.subsampling, strict=True)
    )
    finer = sum(max(w - s, 0) for s, w in zip(stored.subsampling, wanted.subsampling, strict=True))
    bits = stored.bit_depth - wanted.bit_depth
    return coarser, max(-bits, 0), int(wanted.alpha and not stored.alpha), finer, bits, stored.alpha


def _check_layout(codec: Codec, stored: PlaneFormat) -> None:
    if layout_name(stored) not in codec.layouts:
        raise InputError(
            f"pixel format: {codec.name} takes {', '.join(sorted(codec.layouts))}, "
            f"not {layout_name(stored)}"
        )


def _x265_parameters(encoding: Encoding) -> list[str]:
    parameters = ["log-level=error"]
    if encoding.crf == 0:
        parameters.append("lossless=1")
    if encoding.format.transfer == "arib-std-b67":
        # Players that know HLG only by this message show the right picture, too.
        parameters.append("atc-sei=18")
    if encoding.mastering is not None:
        parameters += ["hdr10=1", "hdr10-opt=1", "repeat-headers=1"]
        parameters.append(f"master-display={encoding.mastering.text}")
    if encoding.light is not None:
        parameters.append(f"max-cll={encoding.light.text}")
    return parameters
