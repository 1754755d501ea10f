# Every target is one line; the logic is in tools/make.py (standard library only).
PYTHON ?= python3
.DEFAULT_GOAL := help
.PHONY: install demo test bench chaos mutants check lock clean help
install: ; @$(PYTHON) tools/make.py install
demo:    ; @$(PYTHON) tools/make.py demo $(ARGS)
test:    ; @$(PYTHON) tools/make.py test $(ARGS)
bench:   ; @$(PYTHON) tools/make.py bench $(ARGS)
chaos:   ; @$(PYTHON) tools/make.py chaos $(ARGS)
mutants: ; @$(PYTHON) tools/make.py mutants $(ARGS)
check:   ; @$(PYTHON) tools/make.py check
lock:    ; @$(PYTHON) tools/make.py lock
clean:   ; @$(PYTHON) tools/make.py clean
help:    ; @$(PYTHON) tools/make.py help
