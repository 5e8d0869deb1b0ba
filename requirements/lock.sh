#!/bin/sh
# Resolve pyproject.toml anew into the three hashed locks. Needs uv (`pip install uv`); run it after every change of a dependency.
set -eu
cd "$(dirname "$0")/.."
lock() { uv pip compile --quiet --no-header --no-annotate --no-emit-index-url --generate-hashes "$@" pyproject.toml; }
lock --universal --python-version 3.11 --extra local --output-file requirements/run.txt
lock --universal --python-version 3.11 --extra local --extra dev --output-file requirements/dev.txt
lock --python-platform aarch64-manylinux_2_34 --python-version 3.13 --output-file requirements/lambda.txt
