"""Files in, files out: videos, image sequences, stills. Knows no network and no torch."""

from ._pattern import Pattern, written_pattern
from ._whole import writing, written_whole
from .conversion import convert, from_rgb, to_rgb
from .encoding import Encoding, plan_encoding
from .exr import ExrImage, read_exr, write_exr
from .formats import Frame, PlaneFormat, VideoInfo
from .images import read_image, write_image
from .mastering import ContentLight, LightMeter, Mastering
from .reader import VideoReader, open_video, probe_video
from .writer import VideoWriter, create_video

__all__ = [
    "ContentLight",
    "Encoding",
    "ExrImage",
    "Frame",
    "LightMeter",
    "Mastering",
    "Pattern",
    "PlaneFormat",
    "VideoInfo",
    "VideoReader",
    "VideoWriter",
    "convert",
    "create_video",
    "from_rgb",
    "open_video",
    "plan_encoding",
    "probe_video",
    "read_exr",
    "read_image",
    "to_rgb",
    "write_exr",
    "write_image",
    "writing",
    "written_pattern",
    "written_whole",
]
