// `node scripts/ci-summary.mjs REPORT STATUS PASSED FAILED` adds the tests of vitest's JSON report, and the exit status
// of the test run, to the checks that passed and failed; prints the sums and fails when something did.
import { existsSync, readFileSync } from "node:fs";

const [report = "", status, passedChecks, failedChecks] = process.argv.slice(2);
let passed = Number(passedChecks);
let failed = Number(failedChecks);
let skipped = 0;

if (existsSync(report)) {
  const tests = JSON.parse(readFileSync(report, "utf8"));
  passed += tests.numPassedTests;
  // A file that does not even load has no tests that could fail.
  const broken = tests.testResults.filter((file) => file.status === "failed" && file.assertionResults.length === 0);
  failed += tests.numFailedTests + broken.length;
  skipped = tests.numPendingTests + tests.numTodoTests;
  for (const file of broken) {
    console.log(`could not run ${file.name}: ${file.message}`);
  }
}
if (!existsSync(report) || (status !== "0" && failed === Number(failedChecks))) {
  console.log("the test run itself failed (see above)");
  failed += 1;
}
console.log(`${passed} passed, ${failed} failed, ${skipped} skipped`);
process.exit(failed === 0 ? 0 : 1);
