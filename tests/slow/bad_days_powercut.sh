#!/usr/bin/env bash
# CI's share of tests/soak/powercut: a tenth of the cuts, every mutant. Repeat a failure with
# ARTIFACTSTORE_TEST_SEED=<printed seed>. Needs root; says what it skips without it.
cd "$(dirname "${BASH_SOURCE[0]}")/../.." || exit 1
exec tests/soak/powercut --cuts 10 --seconds 100
