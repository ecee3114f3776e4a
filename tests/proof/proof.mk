# SPDX-License-Identifier: MIT
#
# `make proof [FRESH=1]`: the contracts beside the code (comments that begin with /*@), proved by Frama-C;
# docs/proofs.md says what that means. `scripts/setup --proof` installs what it needs; where that
# is missing, it is said and skipped.

.PHONY: proof proof-mutants setup-proof
setup-proof: setup
	@scripts/setup --proof

proof: setup-proof
	@$(PYTHON) tests/proof/run $(FRESH:%=--fresh) $B/proof

# Do the proofs notice mistakes? Some minutes. FILES="svm/npt.c ...": only those in these.
proof-mutants: setup-proof
	@$(PYTHON) tests/proof/run --mutants $(FILES:%=--of %) $B/proof
