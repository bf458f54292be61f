"""What `vidprop train` makes of its options."""

import pytest

from vidprop.apps.train import configured
from vidprop.errors import InputError
from vidprop.networks.carry import CarryConfig
from vidprop.networks.spatial import SpatialConfig
from vidprop.networks.temporal import TemporalConfig


def test_settings_replace_defaults_and_nothing_else():
    config = configured(TemporalConfig, '{"carry": {"connections": 1}, "encoder": [8, 16]}')
    assert config.carry == CarryConfig(connections=1)
    assert config.encoder == (8, 16)
    assert config.guidance == TemporalConfig().guidance
    assert configured(SpatialConfig, None) == SpatialConfig()


@pytest.mark.parametrize("text", ["{", "[1]", '{"colour": 3}', '{"carry": {"mix": "least"}}'])
def test_what_is_no_setting_is_refused(text):
    with pytest.raises(InputError, match=r"network|mix"):
        configured(TemporalConfig, text)
