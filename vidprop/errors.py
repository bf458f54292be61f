"""What vidprop raises when the input, not the code, is at fault.

Every message names the argument, the rule and the value in one line.
"""


class VidpropError(Exception):
    """Base of all errors a caller can be expected to handle."""


class InputError(VidpropError, ValueError):
    """An argument's shape, dtype, device, range or value does not fit."""


class KeyFrameError(InputError):
    """A key frame is missing, misnumbered, of the wrong size, or not of this clip."""


class VideoError(VidpropError):
    """A video or image file could not be read or written.

    `details` holds ffmpeg's last words where there are any, line by line.
    """

    def __init__(self, message: str, details: str = "") -> None:
        super().__init__(message)
        self.details = details


class DecodeError(VideoError):
    """A file is not a readable video, or breaks off midway."""


class EncodeError(VideoError):
    """An output could not be written in the form asked for."""


class WeightsError(VidpropError):
    """A weights file is missing, damaged, or made for another network."""


class BackendError(VidpropError, RuntimeError):
    """A device was asked for whose software is not installed; names the line that mends it."""


class Interrupted(VidpropError):  # noqa: N818 - no error: the user asked for it
    """The user stopped the work; what was finished is kept for a resume."""
