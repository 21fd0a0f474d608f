#!/usr/bin/env bash
# Random damage to random objects: a tenth of the full run (ARTIFACTSTORE_TEST_ROUNDS=200).
cd "$(dirname "${BASH_SOURCE[0]}")/../.." || exit 1
ARTIFACTSTORE_TEST_ROUNDS=${ARTIFACTSTORE_TEST_ROUNDS:-20} exec node_modules/.bin/bun test ./tests/e2e/bad_days_rot.ts
