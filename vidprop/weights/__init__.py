"""Weights of a network and its configuration in one safetensors file; nothing is downloaded."""

import json
from dataclasses import asdict, fields
from importlib import resources
from pathlib import Path
from typing import Any, TypeVar

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import nn

from vidprop.errors import WeightsError

LARGEST_BYTES = 12 * 2**20
Network = TypeVar("Network", bound=nn.Module)


def save_weights(path: Path, network: nn.Module, card: dict[str, Any] | None = None) -> None:
    """Write a network's parameters, configuration and card.

    Args:
        network: has a frozen dataclass `config`, of which another like it can be made.
        card: facts about its training, for whoever opens the file.
    Raises:
        WeightsError: the file would be larger than 12 MB.
    """
    tensors = {name: t.detach().cpu().contiguous() for name, t in network.state_dict().items()}
    size = sum(t.numel() * t.element_size() for t in tensors.values())
    if size > LARGEST_BYTES:
        raise WeightsError(f"weights: {size} bytes of parameters, past the limit {LARGEST_BYTES}")
    metadata = {
        "network": type(network).__name__,
        "config": json.dumps(asdict(network.config)),  # type: ignore[call-overload]
        "card": json.dumps(card or {}),
    }
    save_file(tensors, path, metadata=metadata)


def load_weights(kind: type[Network], name_or_path: str | Path) -> Network:
    """Make the network a file describes and fill in its parameters, none missing, none left over.

    Args:
        kind: the network's class; takes its configuration as the only argument.
        name_or_path: a name shipped in this package (see `shipped`), or a file.
    Returns:
        the network on the CPU, in evaluation mode.
    Raises:
        WeightsError: no such file, damaged, of another network or of another configuration.
    """
    path = find_weights(name_or_path)
    try:
        with safe_open(path, "pt") as file:
            metadata = file.metadata() or {}
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except (OSError, SafetensorError) as error:
        raise WeightsError(f"weights: {path} cannot be read: {error}") from None
    if metadata.get("network") != kind.__name__:
        raise WeightsError(
            f"weights: {path} are of {metadata.get('network')}, not of {kind.__name__}"
        )
    network = kind(_configuration(kind, metadata, path))
    try:
        network.load_state_dict(tensors)
    except RuntimeError as error:
        reason = str(error).splitlines()[-1].strip()
        raise WeightsError(f"weights: {path} do not fit their configuration: {reason}") from None
    if not all(bool(torch.isfinite(t).all()) for t in tensors.values()):
        raise WeightsError(f"weights: {path} hold values that are not finite")
    return network.eval()


def find_weights(name_or_path: str | Path) -> Path:
    """The file of shipped weights, or the path as it is, if there is such a file."""
    place = resources.files(__name__) / f"{name_or_path}.safetensors"
    path = Path(str(place)) if str(name_or_path) in shipped() else Path(name_or_path)
    if not path.is_file():
        raise WeightsError(f"weights: {name_or_path} is neither a file nor one of {shipped()}")
    return path


def shipped() -> list[str]:
    """Names of the weights in the package."""
    entries = (Path(str(p)) for p in resources.files(__name__).iterdir())
    return sorted(p.stem for p in entries if p.suffix == ".safetensors")


def _configuration(kind: type[nn.Module], metadata: dict[str, str], path: Path) -> Any:
    config = kind.__init__.__annotations__["config"]
    options = [t for t in getattr(config, "__args__", (config,)) if t is not type(None)]
    given = json.loads(metadata["config"])
    known = {f.name for f in fields(options[0])}
    if set(given) != known:
        odd = sorted(set(given) ^ known)
        raise WeightsError(f"weights: {path} were made with other settings: {odd}")
    values = {k: tuple(v) if isinstance(v, list) else v for k, v in given.items()}
    return options[0](**values)
