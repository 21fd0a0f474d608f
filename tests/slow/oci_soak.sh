#!/usr/bin/env bash
# CI's share of tests/soak/oci: half a minute instead of thirty with the mutants, and a few kills. Repeat a failure with
# ARTIFACTSTORE_TEST_SEED=<printed seed>.
cd "$(dirname "${BASH_SOURCE[0]}")/../.." || exit 1
. tests/support/runs.sh
run tests/soak/oci --minutes 0.5 --quiet 8 --mutants
run tests/soak/oci --minutes 0.5 --kills 4
finish
