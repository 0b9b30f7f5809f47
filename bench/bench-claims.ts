// `make bench-claims`: what a claim costs in a private Redis, as more and more is held. See docs/claims.md.
import { ADVERSARIES, measureAdversary } from "./claims/adversaries.ts";
import { type BenchProject, BenchStore } from "./claims/bench-store.ts";
import { type OperationResult, reportClaims } from "./claims/claims-report.ts";
import { measureOperation } from "./claims/measure-operation.ts";
import { measureNaiveScan } from "./claims/naive-scan.ts";
import { OPERATIONS } from "./claims/operations.ts";
import { populate } from "./claims/population.ts";

const SIZES = (process.env["SIZES"] ?? "10,1000,100000,1000000").split(",").map(Number);
const RUNS = Number(process.env["RUNS"] ?? 400);

async function main(): Promise<number> {
  await using bench = await BenchStore.start();
  const projects: BenchProject[] = [];
  for (const held of SIZES) {
    process.stderr.write(`filling a project with ${held} paths\n`);
    projects.push(await populate(bench, held));
  }
  const operations: OperationResult[] = [];
  for (const operation of OPERATIONS) {
    process.stderr.write(`${operation.name}\n`);
    const measured = await measureOperation(bench, projects, operation, RUNS);
    const sizes: OperationResult["sizes"][number][] = [];
    for (const [number, project] of projects.entries()) {
      const naive = await measureNaiveScan(bench, project, operation);
      sizes.push({ held: project.held, insideRedis: [], atClient: [], ...measured[number], naive });
    }
    operations.push({ operation, sizes });
  }
  const adversaries = [];
  process.stderr.write("entries made to be slow\n");
  for (const adversary of ADVERSARIES) adversaries.push(await measureAdversary(bench, adversary));
  const report = reportClaims(operations, adversaries, projects);
  process.stdout.write(report.text);
  for (const miss of report.misses) process.stderr.write(`bench-claims: ${miss}\n`);
  return report.misses.length === 0 ? 0 : 1;
}

main().then(
  (code) => process.exit(code),
  (error: unknown) => {
    process.stderr.write(`bench-claims: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
    process.exit(1);
  },
);
