#!/bin/sh
# Resolve pyproject.toml anew into the three hashed locks, and requirements/outside/*.in into theirs. Needs uv (`pip install uv`);
# run it after every change of a dependency. With names it locks only those outside environments: `requirements/lock.sh litellm`.
set -eu
cd "$(dirname "$0")/.."
lock() { uv pip compile --quiet --no-header --no-annotate --no-emit-index-url --generate-hashes "$@"; }
if [ $# = 0 ]; then
  lock --universal --python-version 3.11 --extra local --output-file requirements/run.txt pyproject.toml
  lock --universal --python-version 3.11 --extra local --extra dev --output-file requirements/dev.txt pyproject.toml
  lock --python-platform aarch64-manylinux_2_34 --python-version 3.13 --output-file requirements/lambda.txt pyproject.toml
  lock --universal --python-version 3.11 --output-file requirements/build.txt requirements/build.in
  set -- requirements/outside/*.in
fi
for each in "$@"; do
  name=$(basename "$each" .in)
  lock --universal --python-version 3.11 --output-file "requirements/outside/$name.txt" "requirements/outside/$name.in"
done
