"""The maker of clips for all tests of this folder."""

from video_clips import made

__all__ = ["made"]
