# SPDX-License-Identifier: Apache-2.0
"""Prints src/wire/powers.inc: 10^q for q from -64 to 64 as 128-bit mantissas.

    python3 tools/make_powers.py > src/wire/powers.inc

10^q is 5^q * 2^q; the table holds the top 128 bits of 5^q with the highest bit set, cut off for q >= 0, rounded up for q < 0
(then it is a reciprocal): what Eisel and Lemire's proof asks for.
"""
FIRST, LAST = -64, 64


def mantissa(q):
    if q >= 0:
        power = 5**q
        return power << 128 - power.bit_length() if power.bit_length() <= 128 else power >> power.bit_length() - 128
    power = 5**-q
    bits = (power - 1).bit_length()
    value = (1 << 2 * bits + 128) // power + 1 if q < -27 else (1 << bits + 127) // power + 1
    return value >> max(value.bit_length() - 128, 0)


print("/* SPDX-License-Identifier: Apache-2.0 */")
print("/* Made by tools/make_powers.py: high and low 64 bits of each power. */")
for q in range(FIRST, LAST + 1):
    value = mantissa(q)
    print("{0x%016x, 0x%016x}, /* %d */" % (value >> 64, value & (1 << 64) - 1, q))
