import { type Timestamp, timestampFromMs } from "@bufbuild/protobuf/wkt";
import { KnowledgeKind } from "@nexus/gen/nexus/v1/knowledge_pb";
import { expect, test } from "vitest";
import { startNexus } from "../testing/start-nexus.ts";
import { openWorkplace, refusalOf } from "../testing/workplace.ts";

interface Filters {
  readonly kinds?: KnowledgeKind[];
  readonly slug?: string;
  readonly author?: string;
  readonly sinceTime?: Timestamp;
  readonly paths?: string[];
  readonly pageSize?: number;
}

async function open() {
  const nexus = await startNexus("embedded");
  const workplace = await openWorkplace(nexus);
  const { ana, projectId } = workplace;
  const search = async (query: string, more: Filters = {}) =>
    (await ana.knowledge.searchKnowledge({ projectId, query, ...more })).results;
  return {
    ...workplace,
    nexus,
    search,
    titles: async (query: string, more: Filters = {}) => (await search(query, more)).map(({ title }) => title).sort(),
    learn: (text: string, slug = "") => ana.knowledge.addLearning({ projectId, text, slug }),
  };
}

/** Learnings, a decision, a checkpoint and specs, all about tokens; and something about nothing of that kind. */
async function openFilled() {
  const opened = await open();
  const { ana, projectId, learn, ready, session, hold } = opened;
  await ana.features.createFeature({
    projectId,
    slug: "login",
    title: "Token login",
    spec: "Users log in with a token.\nSee src/auth.ts.",
    touches: [{ path: "src/auth.ts" }, { path: "src/ui/**" }],
  });
  await ana.features.markFeatureReady({ projectId, slug: "login" });
  await ready("docs", ["docs"]);
  const me = await session();
  await hold("login", me);
  await learn("the token cache is per process", "login");
  await learn("diagrams are made with d2", "docs");
  await ana.knowledge.recordDecision({
    projectId,
    slug: "login",
    title: "Keep tokens in Redis",
    rationale: "they expire",
  });
  await ana.sessions.saveCheckpoint({ projectId, sessionId: me, context: "token parser done\ntests are missing" });
  return { ...opened, me };
}

test("all kinds are found, best first, with the words that matched marked", async () => {
  const { search } = await openFilled();

  const results = await search("token");

  expect(results.map(({ kind, featureSlug }) => [KnowledgeKind[kind], featureSlug]).sort()).toEqual([
    ["CHECKPOINT", "login"],
    ["DECISION", "login"],
    ["LEARNING", "login"],
    ["SPEC", "login"],
  ]);
  expect(results.map(({ rank }) => rank)).toEqual(results.map(({ rank }) => rank).sort((a, b) => b - a));
  const learning = results.find(({ kind }) => kind === KnowledgeKind.LEARNING);
  expect(learning?.highlight).toBe("the **token** cache is per process");
  expect(results.find(({ kind }) => kind === KnowledgeKind.DECISION)).toMatchObject({ title: "Keep tokens in Redis" });
});

test("words are found by their stem, parts of paths and identifiers as words, phrases and exclusions as written", async () => {
  const { titles, search, learn } = await open();
  await learn("Caching tokens: see src/auth/token-store.ts and Map<string> & acquire_claims()");
  await learn("die Größe der Schlange");
  await learn("缓存 在 进程 内");

  const [first] = await titles("cached");
  expect(first).toMatch(/^Caching/);
  for (const query of ["auth", "src/auth", "token-store.ts", "acquire_claims", "string", "Map<string>", '"see src"']) {
    expect(await titles(query), query).toEqual([first]);
  }
  expect((await search("token-store.ts"))[0]?.highlight).toContain("src/auth/**token**-**store**.**ts**");
  expect(await titles('"src see"')).toEqual([]);
  expect(await titles("tokens -map")).toEqual([]);
  expect(await titles("tokens -src/auth")).toEqual([]);
  expect(await titles("tokens -auth/src")).toEqual([first]);
  expect(await titles("größe -src/auth.ts")).toEqual(["die Größe der Schlange"]);
  expect((await search("tokens -auth/src"))[0]?.highlight).not.toContain("**auth**");
  expect(await titles("GRÖSSE or größe")).toEqual(["die Größe der Schlange"]);
  expect(await titles("进程")).toEqual(["缓存 在 进程 内"]);
  expect(await titles("the")).toEqual([]);
  expect(await titles("der")).toEqual(["die Größe der Schlange"]);
});

test("a word that stands deep in a long text is shown with what is around it, in whole words", async () => {
  const { search, ana, projectId } = await open();
  const filler = "lorem ipsum ".repeat(4_000);
  await ana.features.createFeature({
    projectId,
    slug: "large",
    title: "Large",
    spec: `${filler}the needles of src/haystack.ts ${filler}`,
  });

  const [find] = await search("needle");

  expect(find?.highlight).toContain("the **needles** of src/haystack.ts lorem");
  expect(find?.highlight).toMatch(/^(lorem|ipsum) /);
  expect(find?.highlight.length).toBeLessThan(600);
});

test("filters: kind, feature, author, since", async () => {
  const { search, nexus, ana, projectId, titles } = await openFilled();
  const ben = await nexus.join("ben");
  await ana.projects.addMember({ projectId, email: ben.email });
  await nexus.advance(60_000);
  await ben.knowledge.addLearning({ projectId, text: "Ben's token trick", slug: "docs" });

  expect(await titles("token", { kinds: [KnowledgeKind.LEARNING, KnowledgeKind.SPEC] })).toEqual([
    "Ben's token trick",
    "Token login",
    "the token cache is per process",
  ]);
  expect(await titles("token", { slug: "docs" })).toEqual(["Ben's token trick"]);
  expect(await titles("token", { author: ben.email.toUpperCase() })).toEqual(["Ben's token trick"]);
  expect(await titles("token", { author: "nobody@example.com" })).toEqual([]);
  expect(await titles("token", { author: ana.email })).toEqual([
    "Keep tokens in Redis",
    "the token cache is per process",
    "token parser done",
  ]);
  expect(await titles("token", { author: ben.email, kinds: [KnowledgeKind.SPEC] })).toEqual([]);
  expect(await titles("token", { sinceTime: timestampFromMs(Date.parse("2026-01-01") + 30_000) })).toEqual([
    "Ben's token trick",
  ]);
  expect(await search("token", { slug: "no-such-feature" })).toEqual([]);
});

test("what is known about these paths: exactly of the features that touch them, the newest first", async () => {
  const { titles, search } = await openFilled();

  const about = ["Keep tokens in Redis", "Token login", "the token cache is per process", "token parser done"];
  expect(await titles("", { paths: ["src/auth.ts"] })).toEqual(about);
  expect(await titles("", { paths: ["src/ui/deep/button.tsx"] })).toEqual(about);
  expect(await titles("", { paths: ["SRC"] })).toEqual(about);
  expect(await titles("", { paths: ["src/uix", "lib"] })).toEqual([]);
  expect(await titles("parser", { paths: ["src/**", "docs/x.md"] })).toEqual(["token parser done"]);
  expect((await refusalOf(search("", { paths: ["/etc"] }))).reason).toBe("PATH_INVALID");
});

test("knowledge about paths outlives its feature's end", async () => {
  const { titles, ana, projectId } = await openFilled();
  await ana.features.cancelFeature({ projectId, slug: "login" });

  expect(await titles("", { paths: ["src/auth.ts"], kinds: [KnowledgeKind.LEARNING] })).toEqual([
    "the token cache is per process",
  ]);
});

test("pages hold every find once, in the order of rank", async () => {
  const { ana, projectId, learn } = await open();
  for (let number = 0; number < 7; number++) await learn(`token ${"filler ".repeat(number)}${number}`);

  for (const query of ["token", ""]) {
    const found: string[] = [];
    let pageToken = "";
    do {
      const page = await ana.knowledge.searchKnowledge({ projectId, query, pageSize: 2, pageToken });
      found.push(...page.results.map(({ id }) => id));
      pageToken = page.nextPageToken;
    } while (pageToken !== "");
    expect(new Set(found).size).toBe(7);
    expect(found).toHaveLength(7);
  }
});

test("without words everything is listed, however much it is", async () => {
  const { ana, projectId, learn } = await open();
  await Promise.all(Array.from({ length: 302 }, (_, number) => learn(`note ${number}`)));

  const first = await ana.knowledge.searchKnowledge({ projectId, pageSize: 301 });
  const rest = await ana.knowledge.searchKnowledge({ projectId, pageSize: 301, pageToken: first.nextPageToken });

  expect(new Set([...first.results, ...rest.results].map(({ id }) => id)).size).toBe(302);
  expect([first.results.length, rest.results.length, rest.nextPageToken]).toEqual([301, 1, ""]);
});

test("a token that no search gave is refused", async () => {
  const { ana, projectId, learn } = await open();
  for (const text of ["token one", "token two"]) await learn(text);
  const page = await ana.knowledge.searchKnowledge({ projectId, query: "token", pageSize: 1 });
  const [hash, key] = JSON.parse(Buffer.from(page.nextPageToken, "base64url").toString());
  const after = (forged: unknown) => {
    const pageToken = Buffer.from(JSON.stringify([hash, forged])).toString("base64url");
    return refusalOf(ana.knowledge.searchKnowledge({ projectId, query: "token", pageSize: 1, pageToken }));
  };

  for (const forged of [{ createTime: "+275760-09-13T00:00:00Z" }, { createTime: "now" }, { id: "1" }, { rank: "1" }]) {
    expect((await after({ ...key, ...forged })).reason, JSON.stringify(forged)).toBe("REQUEST_INVALID");
  }
  expect((await after(null)).reason).toBe("REQUEST_INVALID");
});

const HOSTILE: readonly (readonly [name: string, query: string])[] = [
  ["operators", "& | ! <-> <2> ( ) :* a:* !a (a | b) & c:AB"],
  ["a lone quote", '"'],
  ["quotes in quotes", "'\"''\"\"'\"\\' \\\""],
  ["per cent and underscore", "%_%"],
  ["backslashes", "\\\\ \\x00 \\u0000"],
  ["NUL", "to\u0000ken"],
  ["control characters", "\u0001\u0002\u001b[31mtoken\u007f"],
  ["lone minus signs", '- -- --- -a- -"a -'],
  ["nothing but or", "or or or OR"],
  ["10,000 characters of words", "tok ".repeat(2_500)],
  ["10,000 characters of one word", "x".repeat(10_000)],
  ["10,000 characters of distinct words", Array.from({ length: 2_000 }, (_, n) => `w${n}`).join(" ")],
  ["10,000 characters of parentheses", "(".repeat(10_000)],
  ["10,000 characters of quotes", '"a'.repeat(5_000)],
  ["100,000 characters", "ä ".repeat(50_000)],
  ["emoji", "🚀🧑‍🚀 👩🏽‍💻 ❤️"],
  ["right to left", "שלום \u202e مرحبا"],
  ["Thai, Hindi, Japanese, Korean", "การค้นหา खोज 検索 검색"],
  ["combining characters", "e\u0301\u0300\u0302 Z͑ͫ̓ͪ̂ͫ̽͏̴̙̤̞͉͚̯̞̠͍A̴̵̜̰͔ͫ͗͢L"],
  ["private use and noncharacters", "\ue000token \uf8ff \uffff \u{f0000} \ufdd0"],
  ["a replacement character", "\ufffd"],
  ["SQL", "'; drop table learnings; --"],
  ["SQL in a tsquery", "token') union select key from api_keys --"],
  ["a project's lexeme", "'00000000-0000-0000-0000-000000000000' | token"],
  ["a format string", "%s %1$s {0} $token $1 $2"],
  ["an XML entity", "<a href='x'>&lt;&amp;&#0;"],
  ["a URL", "https://user:pw@example.com:8080/a/b.html?q=1#f"],
];

test("any text is answered with results or an empty list, never an error", async () => {
  const { search, learn, titles } = await open();
  await learn("the token cache is per process");

  for (const [name, query] of HOSTILE) {
    for (const more of [{}, { paths: ["**"] }]) {
      const answer = await search(query, more).catch((error: unknown) => `${name}: ${error}`);
      expect(answer).toBeInstanceOf(Array);
    }
  }
  expect(await titles("token")).toHaveLength(1);
  // No index holds such a word: it is not found, rather than not asked for.
  expect(await titles("漢".repeat(1_000))).toEqual([]);
});

test("every hostile text can be kept as knowledge, or is refused as the caller's mistake, and is found again whole", async () => {
  const { learn, search, ana, projectId } = await open();
  for (const [name, text] of HOSTILE) {
    const given = text.slice(0, 20_000);
    const outcome = await learn(`marker ${given}`).then(
      ({ learning }) => learning?.text,
      (error: { code: number }) => error.code,
    );
    // 3 is INVALID_ARGUMENT: control characters.
    expect([`marker ${given}`, 3], name).toContain(outcome);
  }
  const { learnings } = await ana.knowledge.listLearnings({ projectId });
  expect((await search("marker", { pageSize: 500 })).length).toBe(learnings.length);
});

test("the largest texts can be kept, of whatever words they are", async () => {
  const { ana, projectId } = await open();
  let next = 0x4e00;
  const distinct = (length: number) => {
    let text = "";
    while (text.length < length - 3) {
      text += `${String.fromCharCode(next)}${String.fromCharCode(0xac00 + (next % 11_000))} `;
      next = next === 0x9fff ? 0x4e00 : next + 1;
    }
    return text;
  };

  await ana.features.createFeature({ projectId, slug: "large", title: "large", spec: distinct(100_000) });
  await ana.knowledge.recordDecision({
    projectId,
    title: "large",
    decision: distinct(20_000),
    rationale: distinct(20_000),
    alternatives: distinct(20_000),
    consequences: distinct(20_000),
  });

  const { results } = await ana.knowledge.searchKnowledge({ projectId, query: "large" });
  expect(results).toHaveLength(2);
});

test("nothing of another project is found, by whatever means", async () => {
  const { nexus, ana, projectId, search } = await openFilled();
  const ben = await nexus.join("ben");
  const theirs = await ben.projects.createProject({ slug: "theirs" });
  const theirId = theirs.project?.id ?? "";
  await ben.features.createFeature({
    projectId: theirId,
    slug: "login",
    title: "secret token",
    spec: "s",
    touches: [{ path: "src/auth.ts" }],
  });
  await ben.knowledge.addLearning({ projectId: theirId, slug: "login", text: "the secret token is hunter2" });

  for (const query of ["secret", "hunter2", theirId, `'${theirId}'`, `"${theirId}"`, `token or '${theirId}'`, ""]) {
    for (const more of [{}, { paths: ["**"] }, { slug: "login" }, { author: ben.email }]) {
      const found = JSON.stringify((await search(query, more)).map(({ title, highlight }) => [title, highlight]));
      expect(found).not.toMatch(/secret|hunter2/);
    }
  }
  const mine = await ben.knowledge.searchKnowledge({ projectId: theirId, query: "token" });
  expect(mine.results.map(({ title }) => title).sort()).toEqual(["secret token", "the secret token is hunter2"]);
  expect((await refusalOf(ben.knowledge.searchKnowledge({ projectId, query: "token" }))).reason).toBe(
    "RESOURCE_NOT_FOUND",
  );
  const page = await ben.knowledge.searchKnowledge({ projectId: theirId, query: "token", pageSize: 1 });
  const reused = ana.knowledge.searchKnowledge({
    projectId,
    query: "token",
    pageSize: 1,
    pageToken: page.nextPageToken,
  });
  expect((await refusalOf(reused)).reason).toBe("REQUEST_INVALID");
});
