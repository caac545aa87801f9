"""G.711 (PCMU and PCMA) for numpy arrays, by table. Source: ITU-T G.711."""

import numpy as np
import numpy.typing as npt

from .tones import Pcm

Table = npt.NDArray[np.float32]


def _pcmu_table() -> Table:
    code = ~np.arange(256, dtype=np.int32) & 0xFF
    size = (((code & 0x0F) << 3) + 0x84 << ((code >> 4) & 7)) - 0x84
    return (np.where(code & 0x80, -size, size) / 32768).astype(np.float32)


def _pcma_table() -> Table:
    code = np.arange(256, dtype=np.int32) ^ 0x55
    step, segment = (code & 0x0F) << 4, (code >> 4) & 7
    size = np.where(segment == 0, step + 8, (step + 0x108) << np.maximum(segment - 1, 0))
    return (np.where(code & 0x80, size, -size) / 32768).astype(np.float32)


def _encoder(decoded: Table) -> npt.NDArray[np.uint8]:
    """For each 16-bit sample, the code whose decoded value is nearest."""
    order = np.argsort(decoded, kind="stable")
    values = decoded[order]
    borders = (values[1:] + values[:-1]) / 2
    samples = np.arange(-32768, 32768) / 32768
    return order[np.searchsorted(borders, samples, "right")].astype(np.uint8)


DECODE = {"PCMU": _pcmu_table(), "PCMA": _pcma_table()}
ENCODE = {name: _encoder(table) for name, table in DECODE.items()}


def encode(codec: str, pcm: Pcm) -> bytes:
    """Encode floats in -1..1; `codec` is PCMU or PCMA."""
    samples = (np.clip(pcm, -1, 1) * 32767).astype(np.int32) + 32768
    return ENCODE[codec][samples].tobytes()


def decode(codec: str, payload: bytes) -> Pcm:
    """Decode a payload into floats in -1..1; `codec` is PCMU or PCMA."""
    return DECODE[codec][np.frombuffer(payload, np.uint8)]
