#!/usr/bin/env bash
# Several processes on one data directory: a tenth of the full run (ARTIFACTSTORE_TEST_ROUNDS=30).
cd "$(dirname "${BASH_SOURCE[0]}")/../.." || exit 1
ARTIFACTSTORE_TEST_ROUNDS=${ARTIFACTSTORE_TEST_ROUNDS:-3} exec node_modules/.bin/bun test ./tests/e2e/bad_days_together.ts
