# Every target is one line; the logic is in tools/make.py (standard library only).
PYTHON ?= python3
.DEFAULT_GOAL := help
.PHONY: install demo test check lock clean help
install: ; @$(PYTHON) tools/make.py install
demo:    ; @$(PYTHON) tools/make.py demo $(ARGS)
test:    ; @$(PYTHON) tools/make.py test $(ARGS)
check:   ; @$(PYTHON) tools/make.py check
lock:    ; @$(PYTHON) tools/make.py lock
clean:   ; @$(PYTHON) tools/make.py clean
help:    ; @$(PYTHON) tools/make.py help
