# Two commands: `make demo` and `make test`. Each sets up what it needs, and does so only once.

PYTHON ?= python3
PY := .venv/bin/python
# The fresh-made environment is the only one that speaks: nothing of the caller's PYTHONPATH leaks in.
unexport PYTHONPATH PYTHONHOME

.DEFAULT_GOAL := help
.PHONY: help demo story test check format bench bench-server fuzz soak lock clean

help: ## this list
	@sed -n 's/^\([a-z-]*\):.*## /  make \1\t/p' Makefile

demo: .venv/.run ## start the demo and say what to open; PORT=8800 chooses its four ports
	@$(PY) -m mintmark demo $(if $(PORT),--port $(PORT))

story: .venv/.run ## walk the demo's story and check every step
	@$(PY) -m mintmark demo --once --port $(or $(PORT),8720)

test: .venv/.dev ## all tests
	@sh scripts/prepare chromium
	@$(PY) -m pytest -n auto

check: .venv/.dev ## the static checks: style, types, floors
	@$(PY) -m ruff check .
	@$(PY) -m ruff format --check .
	@$(PY) -m mypy
	@.venv/bin/lint-imports

format: .venv/.dev ## put the code into its one style
	@$(PY) -m ruff check --fix .
	@$(PY) -m ruff format .

bench: .venv/.bench ## measure against the bare operations and against peers
	@$(PY) bench/run.py

bench-server: .venv/.bench bench/service/node/node_modules ## measure the token service beside its peers (SECTION=rates: one section)
	@$(PY) bench/service/run.py $(SECTION)

bench/service/node/node_modules: bench/service/node/package-lock.json
	@npm ci --silent --ignore-scripts --no-audit --no-fund --prefix bench/service/node && touch $@ || \
	  echo "mintmark: npm could not install node-oidc-provider: its rows say so"

fuzz: .venv/.fuzz ## let a fuzzer at every parser, a minute each
	@$(PY) fuzz/run.py --seconds 60

soak: .venv/.dev ## kill replicas, PostgreSQL and writers under load; SECONDS=60 and SEED choose
	@$(PY) soak/run.py --seconds $(or $(SECONDS),60) $(if $(SEED),--seed $(SEED))
	@MINTMARK_KILL_ROUNDS=200 $(PY) -m pytest -q -n auto tests/authorization_server/storage/test_kill.py

lock: ## write the lock files anew (needs uv)
	@scripts/lock

clean: ## remove the environment and every cache
	rm -rf .venv .mypy_cache .pytest_cache .ruff_cache .hypothesis .import_linter_cache

# One environment; each stamp says which lock it holds.
.venv/.run: requirements/run.txt pyproject.toml scripts/prepare
	@sh scripts/prepare environment requirements/run.txt "$(PYTHON)"
	@touch $@

.venv/.dev: requirements/dev.txt pyproject.toml scripts/prepare
	@sh scripts/prepare environment requirements/dev.txt "$(PYTHON)"
	@touch $@ .venv/.run

.venv/.bench .venv/.fuzz: .venv/.%: requirements/%.txt .venv/.dev
	@$(PY) -m pip install -q --disable-pip-version-check --require-hashes -r requirements/$*.txt
	@touch $@
