import process from "node:process";

/**
 * How often a test of chance tries: `few` times, or `many` with ARTIFACTSTORE_TEST_THOROUGH=1, which is for whoever
 * changes what it tests. Chance is not the same in each run, so that few times a day are many in a week.
 */
export const rounds = (few: number, many: number): number =>
  process.env.ARTIFACTSTORE_TEST_THOROUGH === "1" ? many : few;
