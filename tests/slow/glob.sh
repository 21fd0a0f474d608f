#!/usr/bin/env bash
# Patterns against Go's path.Match: the committed answers are still Go's, and 20 more sets that nobody has seen yet agree.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
source tests/support/checks.sh

export PATH="$PATH:/usr/local/go/bin"
if ! command -v go >/dev/null; then
  echo "no Go toolchain"
  exit 77
fi
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
go build -o "$work/vectors" tests/core/base/glob_vectors/main.go

same() {
  # The first line says which Go it was.
  diff <("$work/vectors" | tail -n +2) <(tail -n +2 tests/vectors/glob.jsonl) >"$work/diff" || {
    head "$work/diff"
    return 1
  }
}
agrees() {
  "$work/vectors" "$1" >"$work/lines"
  node_modules/.bin/bun tests/core/base/glob_vectors/compare.ts <"$work/lines"
}

check "tests/vectors/glob.jsonl is what Go says" same
for _ in {1..20}; do
  seed=$((RANDOM * 32768 + RANDOM))
  check "patterns of seed $seed agree with Go" agrees "$seed"
done
finish
