# SPDX-License-Identifier: MIT
"""Which keys of a US keyboard type a character, by the names that QEMU has for them."""
import string

PLAIN = {
    " ": "spc", "\r": "ret", "\n": "ret", "\t": "tab", "\b": "backspace", "\x7f": "backspace",
    "\x1b": "esc", "-": "minus", "=": "equal", "[": "bracket_left", "]": "bracket_right",
    ";": "semicolon", "'": "apostrophe", "`": "grave_accent", "\\": "backslash", ",": "comma",
    ".": "dot", "/": "slash",
} | {key: key for key in string.ascii_lowercase + string.digits}
SHIFTED = dict(zip('_+{}:"~|<>?!@#$%^&*()', "-=[];'`\\,./1234567890")) \
    | {key.upper(): key for key in string.ascii_lowercase}


def codes():
    """{a byte: the keys that are held down for it}"""
    found = {key.encode(): ("ctrl", chr(ord("a") + i))
             for i, key in enumerate(map(chr, range(1, 27)))}
    found |= {key.encode(): (code,) for key, code in PLAIN.items()}
    return found | {key.encode(): ("shift", PLAIN[plain]) for key, plain in SHIFTED.items()}


CODES = codes()
