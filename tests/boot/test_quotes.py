# SPDX-License-Identifier: MIT
"""scripts/quotes: what it takes for a quote, and that it notices each way in which one can be wrong."""
import pytest

from machine import ROOT
from tool import tool

C = """/* a file */
static int before(void);

/* The sum
 * of both. */
static int add(int a, int b)
{
    int sum = a;

    sum += b; /* why */
    return sum;
}

static int before(void)
{
    return 0;
}

struct pair {
    int a;
    int b;
};

int table[] = {1, 2};
"""

ASM = """; a file
first:
        mov     eax, 1
.again:
        jmp     .again
%%inside:
        ret
second:
        hlt
"""


@pytest.fixture
def quotes(tmp_path):
    module = tool("quotes")
    (tmp_path / "lib").mkdir()
    (tmp_path / "lib/add.c").write_text(C)
    (tmp_path / "lib/add.asm").write_text(ASM)
    module.ROOT = tmp_path
    return module


def faults(quotes, first, *lines, page="docs/study/1-x.md", language="c"):
    text = "\n".join(("Text.", "", f"```{language}", first, *lines, "```", "", "More."))
    return list(quotes.check_page(page, text))


def test_what_stands_there(quotes):
    add = "/* lib/add.c, add() */"
    whole = C[C.index("/* The sum"):C.index("\n\nstatic int before(void)\n{")].splitlines()
    assert faults(quotes, add, *whole) == []
    assert faults(quotes, add, "static int add(int a, int b)", "...", "return sum;") == []
    assert faults(quotes, add, "...", "sum += b; /* why */", "    return sum;") == []
    assert faults(quotes, "/* lib/add.c, before() */", "{", "    return 0;", "}") == []
    assert faults(quotes, "/* lib/add.c, pair */", "    int a;", "...", "};") == []
    assert faults(quotes, "/* lib/add.c, table */", "int table[] = {1, 2};") == []
    assert faults(quotes, "; lib/add.asm, first", "...", ".again:", "...", "ret", language="nasm") == []


@pytest.mark.parametrize("first, lines, why", [
    ("/* lib/add.c, add() */", ["/* a file */"], "does not go on like this: /* a file */"),
    ("/* lib/add.c, add() */", ["int sum = b;"], "does not go on like this: int sum = b;"),
    ("/* lib/add.c, add() */", ["sum += b;"], "does not go on like this: sum += b;"),
    ("/* lib/add.c, add() */", ["return sum;", "...", "sum += b; /* why */"], "like this: sum += b"),
    ("/* lib/add.c, add() */", ["int sum = a;", "sum += b; /* why */"], "like this: int sum = a;"),
    ("/* lib/add.c, add() */", ["return sum;", "...", "return 0;"], "like this: return 0;"),
    ("/* lib/add.c, add() */", ["..."], "is empty"),
    ("/* lib/add.c, add() */", [], "is empty"),
    ("/* lib/add.c, sub() */", ["return sum;"], "lib/add.c has no sub"),
    ("/* lib/sub.c, add() */", ["return sum;"], "there is no lib/sub.c"),
    ("return sum;", [], "does not say where it is from: return sum;"),
    ("/* add() */", ["return sum;"], "does not say where it is from"),
])
def test_what_does_not(quotes, first, lines, why):
    wrong = faults(quotes, first, *lines)
    assert len(wrong) == 1 and why in wrong[0]


def test_a_label_ends_where_the_next_begins(quotes):
    assert "does not go on" in faults(quotes, "; lib/add.asm, first", "hlt", language="nasm")[0]


def test_other_blocks_and_pages(quotes):
    assert faults(quotes, "return sum;", page="docs/devices.md") == []
    assert faults(quotes, "make run", language="") == []
    assert faults(quotes, "/* lib/add.c, add() */", "nothing", page="docs/devices.md") != []


def test_the_pages_of_this_tree():
    """Every chapter has a quote, and none is wrong."""
    quotes = tool("quotes")
    chapters = sorted((ROOT / "docs/study").glob("[0-9]*.md"))
    assert chapters and quotes.main() == 0
    for page in chapters:
        assert any(quotes.SOURCE.fullmatch(block.splitlines()[0])
                   for _, block in quotes.BLOCK.findall(page.read_text()) if block), page
