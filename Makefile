# See docs/torture.md. `make torture KILLS=50 SEED=42`
KILLS ?= 500
SEED ?=
PYTHON ?= .venv/bin/python

.PHONY: torture
torture:
	$(PYTHON) -m tests.torture --kills $(KILLS) $(if $(SEED),--seed $(SEED))
