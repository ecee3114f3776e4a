# SPDX-License-Identifier: MIT
"""The labs, in their order: each module has a LAB."""

LABS = ("lab1_trace", "lab3_leaf", "lab5_icr")
