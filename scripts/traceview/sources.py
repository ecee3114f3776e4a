# SPDX-License-Identifier: MIT
"""What the hypervisor's sources say of exits: which function handles a kind, where that is, what the
processor's numbers are called. All is found by name: nothing here knows a line. What is not found
is left out."""
import pathlib
import re

# Where a backend has its own function for one of kernel/virt.h's.
BACKENDS = {"VT-x": "vmx", "SVM": "svm"}
FOLDERS = ("kernel", "vmx", "svm")
FUNCTION = re.compile(r"^(?:[A-Za-z_][\w *]*?[ *])?([a-z]\w*)\((?:[^;{}()]|\([^()]*\))*\)\s*\n\{", re.M)


class Sources:
    def __init__(self, root):
        self.root = pathlib.Path(root)
        self.places = {}                    # function: (file, line)
        for folder in FOLDERS:
            for path in sorted((self.root / folder).rglob("*.c")):
                self._index(path)
        diagnosis = self._text("kernel/vm/diagnosis.c")
        self.kinds = dict((name, enum) for enum, name in
                          re.findall(r'\[(EXIT_\w+)\] = "([^"]+)"', diagnosis))
        self.verdicts = dict((word, enum) for enum, word in
                             re.findall(r'case (DO_\w+):\s*return "([^"]+)";', diagnosis))
        virt = self._text("kernel/virt.h")
        self.comments = {}
        for name, text in re.findall(r"\b((?:DO|EXIT)_\w+),\s*/\* ([^*]+?)\s*\*/", virt):
            self.comments.setdefault(name, " ".join(text.split()))
        self.handlers = self._handlers(self._text("kernel/vm/exit.c"))
        self.calls = self._numbers("guests/kit/abi.h", r"BULKHEAD_CALL_(\w+)")
        self.msrs = self._numbers("lib/x86/msr.h", r"MSR_(\w+)")
        self.codes = {"VT-x": self._list("vmx/bits.h", "VMX_REASONS"),
                      "SVM": self._list("svm/bits.h", "SVM_EXITS")}

    def _text(self, path):
        try:
            return (self.root / path).read_text(encoding="utf-8", errors="replace")
        except OSError:
            return ""

    def _index(self, path):
        text = path.read_text(encoding="utf-8", errors="replace")
        for found in FUNCTION.finditer(text):
            line = text.count("\n", 0, found.start()) + 1
            self.places.setdefault(found[1], (str(path.relative_to(self.root)), line))

    def _numbers(self, path, pattern):
        found = re.findall(rf"\b{pattern} = (0x[0-9a-f]+)\b", self._text(path))
        return {int(value, 16): name for name, value in found}

    def _list(self, path, name):
        """The rows of a list that is a macro: R(NAME, NUMBER, KIND)."""
        text = self._text(path)
        start = text.find(f"#define {name}(R)")
        rows = re.findall(r"R\((\w+), (\w+), \w+\)", text[start:text.find("\n\n", start)])
        return {int(number, 0): word for word, number in rows} if start >= 0 else {}

    @staticmethod
    def _handlers(text):
        """{EXIT_kind: function} of exit_fast() and exit_dispatch()."""
        fast = re.findall(r"stay->kind == (EXIT_\w+)[^{]*\{[^}]*?\*verdict =\s*(\w+)\(", text)
        handlers = {}
        start = text.find("exit_dispatch(")
        cases = re.findall(r"((?:case EXIT_\w+:[^\n]*\n\s*)+)return (\w+)(\(?)", text[start:])
        for labels, word, call in cases:
            for kind in re.findall(r"EXIT_\w+", labels):
                handlers[kind] = word if call else "exit_dispatch"
        handlers.update((kind, name) for kind, name in fast if kind not in handlers)
        rest = re.search(r"break;\s*\}\s*return (\w+)\(", text[start:])
        if start >= 0 and rest:     # behind the switch: what nobody else takes
            handlers["EXIT_UNKNOWN"] = rest[1]
        return handlers

    def handler(self, kind, on):
        """(function, file, line) for a kind's name; None where it is not known."""
        name = self.handlers.get(self.kinds.get(kind, ""))
        if name is None:
            return None
        if name.startswith("virt_"):
            name = BACKENDS[on] + name.removeprefix("virt")
        return (name, *self.places[name]) if name in self.places else None
