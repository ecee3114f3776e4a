# SPDX-License-Identifier: MIT
"""Scripts of scripts/ as modules: they have no ending, so `import` does not find them."""
import importlib.machinery
import importlib.util

from machine import ROOT


def tool(name):
    loader = importlib.machinery.SourceFileLoader(name, str(ROOT / "scripts" / name))
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader(name, loader))
    loader.exec_module(module)
    return module
