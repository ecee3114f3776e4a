# SPDX-License-Identifier: MIT
"""Reads the text back from a picture of the screen, by the hypervisor's own font."""
import re
import struct
import zlib

from machine import ROOT

FONT_SOURCE = ROOT / "drivers" / "font.c"
WIDTH, HEIGHT = 8, 16
FIRST = 0x20

BACKGROUND = b"\x10\x14\x18"
TEXT = b"\xc8\xcc\xd0"
ACCENT = b"\x6c\xb6\xe0"


def glyphs():
    """{rows of pixels, as 16 bytes: character}"""
    table = re.findall(r"^    \{([^}]*)\}", FONT_SOURCE.read_text(), re.MULTILINE)
    shapes = {}
    for index, row in enumerate(table):
        rows = bytes(int(number, 0) for number in row.split(","))
        shapes.setdefault(rows.ljust(HEIGHT, b"\0"), chr(FIRST + index))
    assert len(table) == len(shapes) == 95, "two characters look the same"
    return shapes


def chunks(png):
    at = 8
    while at < len(png):
        size, kind = struct.unpack_from(">I4s", png, at)
        yield kind, png[at + 8:at + 8 + size]
        at += size + 12


def unfilter(kind, row, above, step):
    """One row of a PNG, RFC 2083 "Filter Algorithms"."""
    for i in range(len(row)):
        left = row[i - step] if i >= step else 0
        up = above[i]
        if kind == 1:
            guess = left
        elif kind == 2:
            guess = up
        elif kind == 3:
            guess = (left + up) // 2
        else:
            corner = above[i - step] if i >= step else 0
            estimate = left + up - corner
            guess = min((left, up, corner), key=lambda near: abs(estimate - near))
        row[i] = (row[i] + guess) & 0xff


class Picture:
    """A PNG file with 8 bits each of red, green and blue."""

    def __init__(self, path):
        data = b""
        for kind, content in chunks(path.read_bytes()):
            if kind == b"IHDR":
                self.width, self.height, depth, colours = struct.unpack_from(">IIBB", content)
                assert (depth, colours) == (8, 2), "not RGB"
            elif kind == b"IDAT":
                data += content
        raw, stride = zlib.decompress(data), self.width * 3
        self.rows, above = [], bytes(stride)
        for at in range(0, len(raw), stride + 1):
            row = bytearray(raw[at + 1:at + 1 + stride])
            if raw[at]:
                unfilter(raw[at], row, above, 3)
            self.rows.append(row)
            above = row

    def cell(self, column, line):
        """The 16 rows of a character's cell, RGB."""
        at = column * WIDTH * 3
        return [self.rows[line * HEIGHT + y][at:at + WIDTH * 3] for y in range(HEIGHT)]

    def colours(self, column, line):
        return {bytes(row[i:i + 3]) for row in self.cell(column, line)
                for i in range(0, WIDTH * 3, 3)}

    def text(self):
        """The lines that the screen shows, without blanks at their end."""
        shapes, lines = glyphs(), []
        for line in range(self.height // HEIGHT):
            characters = []
            for column in range(self.width // WIDTH):
                rows = bytes(sum(0x80 >> x for x in range(WIDTH)
                                 if row[x * 3:x * 3 + 3] != BACKGROUND)
                             for row in self.cell(column, line))
                characters.append(shapes.get(rows, "\ufffd"))
            lines.append("".join(characters).rstrip())
        return lines


def check_shows(path, lines, status=None):
    """The screen shows these lines (its last ones, where they are more), at the bottom the status
    line, if any, and nothing else; the name of the speaker is in another colour."""
    picture = Picture(path)
    shown = picture.text()
    if status is not None:
        assert shown.pop() == status
    columns, room = picture.width // WIDTH, len(shown) - 1
    want = [line[at:at + columns].rstrip() for line in lines
            for at in range(0, max(len(line), 1), columns)][-room:]
    assert shown[:len(want)] == want
    assert not any(shown[len(want):])
    line = next(n for n, text in enumerate(want) if text.startswith("["))
    name_ends = want[line].index("]")
    for column, character in enumerate(want[line]):
        if character != " ":
            colour = ACCENT if column <= name_ends else TEXT
            assert picture.colours(column, line) == {BACKGROUND, colour}, column
