"""What the temporal network sees, and its sizes."""

from dataclasses import dataclass, field

from vidprop.errors import InputError
from vidprop.networks.carry import CarryConfig


@dataclass(frozen=True)
class TemporalConfig:
    """What the network sees, and its sizes.

    Attributes:
        edit_channels: 2 for chroma, 3 for log radiance, 1 for a mask.
        edit_gain: brings the edit's usual values to about 1 for the guidance network.
        match_channels: features compared by the match.
        context_channels: features of the frame that the guidance network is given.
        encoder, guidance: channels a level, finest first (see GuidanceConfig).
        search_channels: features of the match over whole key frames; 0 leaves it out.
        search_radius: of the window round the place that it finds.
        key_radius: of the match in key frames, in pixels of the working size; 0 leaves it out.
        previous_radius: the same in the frame before.
        use_previous: whether the frame before is a reference at all.
        aligned: look in key frames where alignment points, or, as the pure TPN, straight ahead.
        pointwise: look at what says little about its surroundings one pixel at a time: cheaper.
        gain: scale the edit at each pixel; for edits whose scale is light's, like chroma.
        carry: how the scans carry what is injected.
        extra_candidates: edits given from elsewhere with a reliability (a camera curve's radiance).
    """

    edit_channels: int = 2
    edit_gain: float = 4.0
    match_channels: int = 16
    context_channels: int = 24
    encoder: tuple[int, ...] = (24, 48, 64)
    guidance: tuple[int, ...] = (32, 64, 96)
    search_channels: int = 16
    search_radius: int = 3
    key_radius: int = 4
    previous_radius: int = 2
    use_previous: bool = True
    extra_candidates: int = 0
    aligned: bool = True
    gain: bool = True
    pointwise: bool = True
    carry: CarryConfig = field(default_factory=CarryConfig)

    def __post_init__(self) -> None:
        if isinstance(self.carry, dict):  # as JSON has it
            object.__setattr__(self, "carry", CarryConfig(**self.carry))
        if min(self.edit_channels, self.match_channels, self.context_channels) < 1:
            raise InputError(f"channels must be 1 or more, not {self}")
        counts = (self.key_radius, self.previous_radius, self.search_radius)
        if min(*counts, self.search_channels, self.extra_candidates) < 0:
            raise InputError(f"radii and counts must be 0 or more, not {self}")

    @property
    def radii(self) -> tuple[int, ...]:
        """Match radius of each reference slot: before, after and, if used, previous."""
        return (self.key_radius,) * 2 + (self.previous_radius,) * self.use_previous

    def of_slot(self, slot: int) -> int:
        """How many candidates a reference slot gives: warped, matched, and for keys searched."""
        return 1 + (self.radii[slot] > 0) + 2 * (slot < 2 and self.search_channels > 0)

    @property
    def candidates(self) -> int:
        """How many candidates are mixed."""
        return sum(map(self.of_slot, range(len(self.radii)))) + self.extra_candidates
