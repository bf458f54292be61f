"""Carries an edit made on a few key frames of a video to every frame."""

__version__ = "0.1.0"
