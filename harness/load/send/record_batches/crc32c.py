"""CRC-32C of a whole from those of its parts: a changed header costs no pass over the payload behind it.

A CRC is a remainder of polynomials over GF(2). To append n bytes is to multiply by x^(8n) and to add the
appended remainder; the power depends on n alone and is found once. As in zlib's ``crc32_combine`` (Mark
Adler), with Castagnoli's polynomial; bits are reflected, so x^0 is the highest.
"""

from __future__ import annotations

from typing import Final

_POLYNOMIAL: Final = 0x82F63B78
_ONE: Final = 1 << 31
_X: Final = 1 << 30


def power_for(length: int) -> int:
    """The factor by which a CRC moves over ``length`` bytes that follow."""
    power, square, bits = _ONE, _X, 8 * length
    while bits:
        if bits & 1:
            power = _multiply(square, power)
        square = _multiply(square, square)
        bits >>= 1
    return power


def joined(first: int, second: int, power: int) -> int:
    """The CRC of two parts from those of each; ``power`` is that of the second part's length."""
    return _multiply(power, first) ^ second


def _multiply(a: int, b: int) -> int:
    """The product modulo the polynomial."""
    product, bit = 0, _ONE
    while bit:
        if a & bit:
            product ^= b
        b = (b >> 1) ^ _POLYNOMIAL if b & 1 else b >> 1
        bit >>= 1
    return product
