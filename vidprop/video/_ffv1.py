"""The checksums of FFV1 packets, which ffmpeg's decoder only logs when they fail.

Source: RFC 9043, 4.9 (slice footer) and 4.9.3: the CRC with polynomial 0x04C11DB7 and
initial value 0 over a slice with its checksum is 0.
"""

import zlib

_FOOTER = 8  # slice_size (3), error_status (1), slice_crc_parity (4)

# zlib takes the bits of each byte in the other order.
_REVERSED = bytes(int(f"{byte:08b}"[::-1], 2) for byte in range(256))


def checksums_hold(packet: bytes) -> bool:
    """Whether the packet is a chain of slices with right checksums.

    False, too, for a stream without checksums: ask the first packet whether there are any.
    """
    end = len(packet)
    while end > _FOOTER:
        start = end - _FOOTER - int.from_bytes(packet[end - 8 : end - 5], "big")
        if start < 0 or _remainder(packet[start:end]):
            return False
        end = start
    return end == 0


def _remainder(part: bytes) -> int:
    # zlib complements the register before and after; this undoes both.
    return zlib.crc32(part.translate(_REVERSED), 0xFFFFFFFF) ^ 0xFFFFFFFF
