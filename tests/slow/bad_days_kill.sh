#!/usr/bin/env bash
# CI's share of tests/soak/kill: a tenth of the full run. Repeat a failure with ARTIFACTSTORE_TEST_SEED=<printed seed>.
cd "$(dirname "${BASH_SOURCE[0]}")/../.." || exit 1
. tests/support/runs.sh
run tests/soak/kill --rounds 20 --fresh 3 --seconds 60
run tests/soak/kill --database postgres --rounds 5 --fresh 1 --seconds 40
finish
