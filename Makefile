# The two commands of the README, and what a developer needs beside them.
.PHONY: demo test lint format clean
PYTHON ?= python3

.venv/ready: pyproject.toml constraints.txt
	$(PYTHON) -m venv .venv
	.venv/bin/python -m pip install --quiet --constraint constraints.txt --editable '.[dev]'
	touch $@

.lint/seeing:
	mkdir -p .lint && ln -sfn .. $@

demo: .venv/ready
	.venv/bin/python -m seeing.samples.demo demo

test: .venv/ready
	.venv/bin/python -m pytest -q -n auto --dist loadfile

lint: .venv/ready .lint/seeing
	.venv/bin/ruff check . && .venv/bin/ruff format --check . && .venv/bin/mypy && .venv/bin/mypy tests

format: .venv/ready
	.venv/bin/ruff check --fix . && .venv/bin/ruff format .

clean:
	rm -rf .venv .lint build dist demo *.egg-info .pytest_cache .mypy_cache .ruff_cache
