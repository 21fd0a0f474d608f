#!/usr/bin/env bash
# CI's share of tests/soak/oci: a minute instead of thirty with the mutants, and a few kills. Repeat a failure with
# ARTIFACTSTORE_TEST_SEED=<printed seed>.
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
status=0
passed=0
failed=0
for run in '--minutes 1 --quiet 15 --mutants' '--minutes 0.6 --kills 6'; do
  # shellcheck disable=SC2086 # the options are words
  out=$(tests/soak/oci $run 2>&1) || status=1
  printf '%s\n' "$out"
  read -r p _ f _ <<<"$(tail -n 1 <<<"$out")"
  if [[ $p =~ ^[0-9]+$ && $f =~ ^[0-9]+$ ]]; then passed=$((passed + p)) failed=$((failed + f)); else failed=$((failed + 1)); fi
done
printf '%s passed, %s failed\n' "$passed" "$failed"
exit "$status"
