"""TPN: carries the edit of key frames, and of the frame before, to a frame.

Everything runs at the working size, half the size of the guide. A frame has candidates for
its edit: the edit of each reference (key frame before, key frame after, frame before), taken
where alignment points, where a learned match in a window round that place points, and
where a match over the whole key frame finds the same thing again, however far it went. The
guidance network looks at the frame, the candidates and how well they fit, and predicts how
candidates mix, how much of the mix is injected at each pixel, the affinities with which
the scans carry it to where no candidate can be trusted, and a gain, because what gets
brighter gets more colourful too.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from vidprop.errors import InputError
from vidprop.networks.candidates import (
    BLOCK,
    FACTS,
    centred,
    centres,
    crowding,
    enlarged,
    fact,
    given,
    sample,
    sampling_grid,
    straight_ahead,
    unit,
)
from vidprop.networks.carry import carry
from vidprop.networks.guidance import GuidanceConfig, GuidanceNetwork
from vidprop.networks.temporal_config import TemporalConfig
from vidprop.ops.match import match

__all__ = ["Estimate", "Found", "Reference", "Seen", "TemporalConfig", "TemporalNetwork"]


@dataclass(frozen=True)
class Seen:
    """A frame's guide as the network sees it.

    Attributes:
        luma: [N, 4, h, w], its four pixels for each of the working size, centred on 0.
        match: [N, h, w, F], unit length.
        search: [N, h', w', S], the same for blocks of `BLOCK` x `BLOCK`.
        context: [N, X, h, w].
    """

    luma: Tensor
    match: Tensor
    search: Tensor
    context: Tensor


@dataclass(frozen=True)
class Reference:
    """A frame whose edit is known, and where the pixels of the current frame were in it.

    Attributes:
        seen: that frame's guide, as returned by `TemporalNetwork.look`.
        edit: [N, C, h, w].
        coverage: [N, 1, h, w], 0 to 1, where the edit is given and how far it is trusted.
        positions: [N, h, w, 2], (x, y) of the working size, in the reference.
        frames: [N], how many frames lie between, 1 for the next.
    """

    seen: Seen
    edit: Tensor
    coverage: Tensor
    positions: Tensor
    frames: Tensor


@dataclass(frozen=True)
class Estimate:
    """The edit [N, C, h, w] of a frame and how far it can be trusted [N, 1, h, w], 0 to 1."""

    edit: Tensor
    confidence: Tensor


@dataclass(frozen=True)
class Found:
    """The candidates of a slot, [N, C + 3, h, w] each, and facts about it, [N, FACTS, h, w]."""

    candidates: list[Tensor]
    facts: Tensor


class TemporalNetwork(nn.Module):
    """See the module; the same network serves both ways through time (switchable)."""

    def __init__(self, config: TemporalConfig | None = None) -> None:
        super().__init__()
        self.config = config = config or TemporalConfig()
        self._looks = (config.match_channels, config.search_channels, config.context_channels)
        self.encoder = GuidanceNetwork(GuidanceConfig(4, sum(self._looks), config.encoder))
        facts = config.candidates * (config.edit_channels + 3) + FACTS * len(config.radii)
        # mix, injection, confidence, what the scans need, gain
        steps = config.carry.outputs(config.edit_channels)
        self._heads = (config.candidates, 1, 1, steps, int(config.gain))
        # Luma, and of each candidate coverage and fit: the context has seen their surroundings.
        lone = 4 + 2 * config.candidates + FACTS * len(config.radii)
        self.guidance = GuidanceNetwork(
            GuidanceConfig(
                4 + config.context_channels + facts,
                sum(self._heads),
                config.guidance,
                pointwise=lone if config.pointwise else 0,
            )
        )
        if config.gain:  # begins at 1
            for parameter in self.guidance.leave.parameters():
                nn.init.zeros_(parameter[-1:])
        self.sharpness = nn.Parameter(torch.tensor(10.0))
        self.window_bias = nn.ParameterList(centred(r) for r in config.radii)
        if config.search_channels:
            self.search_sharpness = nn.Parameter(torch.tensor(10.0))
            self.search_bias = centred(config.search_radius)

    def look(self, guide: Tensor) -> Seen:
        """Take in a frame's guide [N, 1, 2h, 2w], 0 to 1; keep the result while it is needed."""
        shuffled = F.pixel_unshuffle(guide, 2) - 0.5
        features = self.encoder(shuffled).float()
        matched, searched, context = features.split(self._looks, 1)
        blocks = searched
        if self.config.search_channels:
            blocks = F.avg_pool2d(searched, BLOCK, ceil_mode=True)
        return Seen(shuffled, unit(matched), unit(blocks), context)

    def forward(
        self,
        frame: Seen,
        references: Sequence[Reference | None],
        extra: Sequence[tuple[Tensor, Tensor]] = (),
    ) -> Estimate:
        """Estimate the edit of one frame.

        Args:
            frame: the frame, from `look`.
            references: key frame before, key frame after, frame before, in the order of
                `TemporalConfig.radii`; None where there is none.
            extra: (edit [N, C, h, w], reliability [N, 1, h, w]) from elsewhere.
        Raises:
            InputError: not as many references or extras as the configuration says, or none at all.
        """
        self._check(references, extra)
        found = [self.find(frame, reference, slot) for slot, reference in enumerate(references)]
        return self.decide(frame, found, extra)

    def decide(
        self, frame: Seen, found: Sequence[Found], extra: Sequence[tuple[Tensor, Tensor]] = ()
    ) -> Estimate:
        """Estimate the edit of a frame from what `find` gave for every slot; see `forward`."""
        candidates = [one for each in found for one in each.candidates]
        candidates += [given(*pair) for pair in extra]
        guidance = self._guide(frame, candidates, [each.facts for each in found])
        return self._propagate(frame, candidates, guidance)

    def find(self, frame: Seen, reference: Reference | None, slot: int) -> Found:
        """What a reference offers to a frame; None offers nothing.

        That of a key frame does not depend on other frames, and can be had ahead of them.
        """
        n, _, h, w = frame.luma.shape
        if reference is None:
            empty = frame.luma.new_zeros(n, self.config.edit_channels + 3, h, w)
            return Found([empty] * self.config.of_slot(slot), empty[:, :FACTS])
        luma = frame.luma.mean(1, keepdim=True)
        # What is not covered must not dilute what is: edits travel multiplied by coverage.
        value = torch.cat(
            [
                reference.edit * reference.coverage,
                reference.coverage,
                reference.seen.luma.mean(1, keepdim=True),
            ],
            1,
        )
        key, positions = reference.seen.match, reference.positions
        if not self.config.aligned:
            positions = straight_ahead(positions)
        grid, inside = sampling_grid(positions, key.shape[1], key.shape[2])
        # Bilinearly, edits would lose what is finest of them.
        warped = sample(value, grid, "bicubic")
        features = sample(key.permute(0, 3, 1, 2), grid)
        similarity = (frame.match.permute(0, 3, 1, 2) * features).sum(1, keepdim=True)
        found = [fact(warped, similarity, luma)]
        if self.config.radii[slot]:
            centre = positions.detach().round().int()
            bias = self.window_bias[slot]
            found.append(fact(*self._match(frame, reference, value, centre, bias), luma))
        if slot < 2 and self.config.search_channels:
            found += self._searched(frame, reference, value, luma)
        away = torch.log2(1 + reference.frames.view(n, 1, 1, 1)) / 6
        return Found(found, torch.cat([inside, away.expand_as(inside), crowding(positions)], 1))

    def _match(
        self, frame: Seen, reference: Reference, value: Tensor, centre: Tensor, bias: Tensor
    ) -> tuple[Tensor, Tensor]:
        out, score = match(
            frame.match * self.sharpness,
            reference.seen.match,
            value.permute(0, 2, 3, 1).float(),
            centre,
            bias,
        )
        return out.permute(0, 3, 1, 2), score.unsqueeze(1).clamp(min=-30.0) / 10

    def _searched(
        self, frame: Seen, reference: Reference, value: Tensor, luma: Tensor
    ) -> list[Tensor]:
        """Candidates from anywhere in the key frame: of whole blocks, and matched within them."""
        h, w = frame.luma.shape[2:]
        rows, columns = frame.search.shape[1:3]
        query, key = (x.search.flatten(1, 2) for x in (frame, reference.seen))
        scores = self.search_sharpness * query @ key.transpose(1, 2)
        blocks = F.avg_pool2d(value, BLOCK, ceil_mode=True)
        found = scores.softmax(-1) @ blocks.flatten(2).transpose(1, 2)
        best, place = scores.max(-1)
        coarse = torch.cat([found, best.unsqueeze(-1) / 10], -1)
        coarse = coarse.transpose(1, 2).reshape(-1, coarse.shape[2], rows, columns)
        coarse = enlarged(coarse, h, w)
        centre = centres(place.view(-1, rows, columns), reference.seen.search.shape[2], h, w)
        fine = self._match(frame, reference, value, centre, self.search_bias)
        return [fact(coarse[:, :-1], coarse[:, -1:], luma), fact(*fine, luma)]

    def _guide(self, frame: Seen, candidates: list[Tensor], facts: list[Tensor]) -> list[Tensor]:
        c = self.config.edit_channels
        gain = torch.ones(c + 3, 1, 1, device=frame.luma.device)
        gain[:c] = self.config.edit_gain
        gain[c + 1] = 4.0  # luma residuals are small
        known = torch.stack(facts, 2).flatten(1, 2)
        candidates = [x * gain for x in candidates]
        parts = [frame.luma, frame.context, *candidates, known]
        if self.config.pointwise:
            edits, coverages, residuals, fits = zip(
                *(torch.split(x, [c, 1, 1, 1], 1) for x in candidates), strict=True
            )
            beside = [frame.luma, *coverages, *fits, known]
            parts = [frame.context, *edits, *residuals, *beside]
        seen = torch.cat(parts, 1)
        return list(self.guidance(seen).float().split(self._heads, 1))

    def _propagate(self, frame: Seen, candidates: list[Tensor], guidance: list[Tensor]) -> Estimate:
        c = self.config.edit_channels
        mix, injection, confidence, steps, gain = guidance
        stack = torch.stack(candidates, 1)
        weight = mix.softmax(1).unsqueeze(2) * stack[:, :, c : c + 1].clamp(0, 1)
        covered = weight.sum(1)
        edit = (weight * stack[:, :, :c]).sum(1) / covered.clamp(min=1e-4)
        injection = torch.sigmoid(injection + 1) * covered
        edit = carry(self.config.carry, edit, injection, steps, frame.luma.mean(1, keepdim=True))
        if self.config.gain:
            edit = edit * torch.exp(0.5 * torch.tanh(gain))
        return Estimate(edit, torch.sigmoid(confidence) * covered.clamp(max=1))

    def _check(
        self, references: Sequence[Reference | None], extra: Sequence[tuple[Tensor, Tensor]]
    ) -> None:
        slots, extras = len(self.config.radii), self.config.extra_candidates
        if len(references) != slots or len(extra) != extras:
            raise InputError(
                f"references and extra must be {slots} and {extras} long, "
                f"not {len(references)} and {len(extra)}"
            )
        if not extra and all(r is None for r in references):
            raise InputError("references must hold at least one frame whose edit is known")
