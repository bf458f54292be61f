"""One process, or several under torch's own launcher (`torchrun`)."""

import os
from dataclasses import dataclass

import torch
from torch import distributed, nn
from torch.nn.parallel import DistributedDataParallel


@dataclass(frozen=True)
class World:
    """How many processes train together, and which this is."""

    rank: int = 0
    size: int = 1

    @classmethod
    def from_environment(cls) -> "World":
        """Join the launcher's group if there is one."""
        size = int(os.environ.get("WORLD_SIZE", "1"))
        if size == 1:
            return cls()
        if not distributed.is_initialized():
            distributed.init_process_group("nccl" if torch.cuda.is_available() else "gloo")
        return cls(distributed.get_rank(), size)

    @property
    def first(self) -> bool:
        """Whether this process writes what is written once."""
        return self.rank == 0

    @property
    def suffix(self) -> str:
        """For files that every process has of its own."""
        return f"-{self.rank}" if self.size > 1 else ""

    def wrap(self, module: nn.Module) -> nn.Module:
        """The module with gradients shared by all processes."""
        return DistributedDataParallel(module) if self.size > 1 else module
