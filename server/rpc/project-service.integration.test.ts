import { randomUUID } from "node:crypto";
import { EtagMismatchSchema } from "@nexus/gen/nexus/v1/error_details_pb";
import { Role } from "@nexus/gen/nexus/v1/project_pb";
import { expect, test } from "vitest";
import { type ApiCaller, type ApiServer, sharedApi } from "../testing/start-api.ts";
import { refusalOf } from "../testing/workplace.ts";

const api = sharedApi();

test("a project is created with its caller as owner and the default settings", async () => {
  const ana = await api.server().join("ana");

  const { project } = await ana.projects.createProject({ slug: "shop", name: "Shop" });

  expect(project).toMatchObject({ slug: "shop", name: "Shop" });
  expect(project?.settings).toMatchObject({ sessionTtl: { seconds: 300n }, lockDelay: { seconds: 15n } });
  expect(project?.settings?.sharedPaths).toContain("package-lock.json");
  expect(await ana.projects.getProject({ slug: "shop" })).toMatchObject({ project, role: Role.OWNER });
  const { members } = await ana.projects.listMembers({ projectId: project?.id });
  expect(members.map((member) => [member.engineer?.email, member.role])).toEqual([[ana.email, Role.OWNER]]);
});

test("a slug is derived from the name, and the name is the slug when there is none", async () => {
  const ana = await api.server().join("ana");

  const named = await ana.projects.createProject({ name: "Café & Bar" });
  const slugged = await ana.projects.createProject({ slug: "shop" });

  expect(named.project).toMatchObject({ slug: "cafe-bar", name: "Café & Bar" });
  expect(slugged.project).toMatchObject({ slug: "shop", name: "shop" });
});

test.each([
  ["without slug and name", {}, /^slug: /],
  ["whose name makes no slug", { name: "日本" }, /^slug: /],
  ["whose slug is none", { slug: "Shop" }, /^slug: /],
  ["whose name is too long", { slug: "a", name: "x".repeat(201) }, /^name: /],
  ["with a short TTL", { slug: "a", settings: { sessionTtl: { seconds: 5n } } }, /^settings\.session_ttl: /],
  ["with a path outside", { slug: "a", settings: { sharedPaths: ["ok", "../x"] } }, /^settings\.shared_paths\[1\]: /],
])("a project %s is refused and not created", async (_what, request, message) => {
  const ana = await api.server().join("ana");

  const refused = await refusalOf(ana.projects.createProject(request));

  expect(refused.code).toBe("InvalidArgument");
  expect(refused.message).toMatch(message);
  expect((await ana.projects.listProjects({})).projects).toEqual([]);
});

test("a slug is unique among its creator's projects only", async () => {
  const server = api.server();
  const [ana, bob] = [await server.join("ana"), await server.join("bob")];
  await ana.projects.createProject({ slug: "shop" });

  const again = await refusalOf(ana.projects.createProject({ slug: "shop" }));

  expect(again).toMatchObject({ code: "AlreadyExists", reason: "RESOURCE_ALREADY_EXISTS" });
  await expect(bob.projects.createProject({ slug: "shop" })).resolves.toBeDefined();
});

test("a creation repeated with its request id makes one project", async () => {
  const ana = await api.server().join("ana");
  const request = { slug: "shop", requestId: randomUUID() };

  const answers = await Promise.all([ana.projects.createProject(request), ana.projects.createProject(request)]);

  expect(answers[1]).toEqual(answers[0]);
  expect((await ana.projects.listProjects({})).projects).toHaveLength(1);
});

test("projects are listed by slug, in pages, those of others left out", async () => {
  const server = api.server();
  const [ana, bob] = [await server.join("ana"), await server.join("bob")];
  for (const slug of ["c", "a", "d", "b"]) await ana.projects.createProject({ slug });
  await createProject(bob, "b2");

  const slugs: string[] = [];
  let pageToken = "";
  do {
    const page = await ana.projects.listProjects({ pageSize: 3, pageToken });
    slugs.push(...page.projects.map((project) => project.slug));
    pageToken = page.nextPageToken;
  } while (pageToken !== "");

  expect(slugs).toEqual(["a", "b", "c", "d"]);
});

test("a slug that names several of the caller's projects is refused, with their ids", async () => {
  const server = api.server();
  const [ana, bob] = [await server.join("ana"), await server.join("bob")];
  const ids = [await createProject(ana, "shop"), await createProject(bob, "shop")];
  await bob.projects.addMember({ projectId: ids[1], email: ana.email });

  const refused = await refusalOf(ana.projects.getProject({ slug: "shop" }));

  expect(refused.reason).toBe("REQUEST_INVALID");
  expect(refused.message).toMatch(/^slug: .*project_id/);
  for (const id of ids) expect(refused.message).toContain(id);
  expect((await ana.projects.getProject({ projectId: ids[1] })).role).toBe(Role.MEMBER);
});

test.each([{}, { projectId: randomUUID(), slug: "shop" }, { projectId: "shop" }])(
  "a project asked for as %j is refused",
  async (request) => {
    const ana = await api.server().join("ana");

    expect((await refusalOf(ana.projects.getProject(request))).reason).toBe("REQUEST_INVALID");
  },
);

test("to who is no member a project looks like one that does not exist, in every method", async () => {
  const server = api.server();
  const [ana, eve] = [await server.join("ana"), await server.join("eve")];
  const real = await createProject(ana, "shop");
  const attempts = (projectId: string) => [
    eve.projects.getProject({ projectId }),
    eve.projects.updateProject({ projectId, project: { name: "x" }, updateMask: { paths: ["name"] } }),
    eve.projects.deleteProject({ projectId, confirmSlug: "shop" }),
    eve.projects.addMember({ projectId, email: eve.email }),
    eve.projects.listMembers({ projectId }),
    eve.projects.updateMember({ projectId, email: ana.email, role: Role.MEMBER }),
    eve.projects.removeMember({ projectId, email: ana.email }),
  ];

  const unknown = randomUUID();
  const refusals = await Promise.all(attempts(real).map(refusalOf));
  const ofUnknown = await Promise.all(attempts(unknown).map(refusalOf));

  expect(refusals.map((refused) => refused.reason)).toEqual(refusals.map(() => "RESOURCE_NOT_FOUND"));
  expect(refusals.map((refused) => refused.message.replaceAll(real, "ID"))).toEqual(
    ofUnknown.map((refused) => refused.message.replaceAll(unknown, "ID")),
  );
  expect((await refusalOf(eve.projects.getProject({ slug: "shop" }))).reason).toBe("RESOURCE_NOT_FOUND");
});

test("a member may not do what owners do", async () => {
  const server = api.server();
  const [ana, bob, cid] = [await server.join("ana"), await server.join("bob"), await server.join("cid")];
  const projectId = await createProject(ana, "shop");
  await ana.projects.addMember({ projectId, email: bob.email });

  const refusals = await Promise.all(
    [
      bob.projects.updateProject({ projectId, project: { name: "x" }, updateMask: { paths: ["name"] } }),
      bob.projects.deleteProject({ projectId, confirmSlug: "shop" }),
      bob.projects.addMember({ projectId, email: cid.email }),
      bob.projects.updateMember({ projectId, email: bob.email, role: Role.OWNER }),
      bob.projects.removeMember({ projectId, email: ana.email }),
    ].map(refusalOf),
  );

  expect(refusals.map((refused) => refused.reason)).toEqual(refusals.map(() => "PERMISSION_DENIED"));
});

test("an update changes the masked fields only, and the etag", async () => {
  const ana = await api.server().join("ana");
  const { project: before } = await ana.projects.createProject({
    slug: "shop",
    settings: { sessionTtl: { seconds: 60n }, sharedPaths: ["yarn.lock"], caseSensitive: true },
  });

  const { project } = await ana.projects.updateProject({
    projectId: before?.id,
    project: { name: "Shop", slug: "ignored", settings: { sessionTtl: { seconds: 90n }, sharedPaths: ["go.sum"] } },
    updateMask: { paths: ["name", "settings.session_ttl"] },
    etag: before?.etag,
  });

  expect(project).toMatchObject({ slug: "shop", name: "Shop" });
  expect(project?.settings).toMatchObject({
    sessionTtl: { seconds: 90n },
    lockDelay: { seconds: 15n },
    sharedPaths: ["yarn.lock"],
    caseSensitive: true,
  });
  expect(project?.etag).not.toBe(before?.etag);
  expect((await ana.projects.getProject({ slug: "shop" })).project).toEqual(project);
});

test("an update of whole settings sets back what it leaves out, but not what is fixed", async () => {
  const ana = await api.server().join("ana");
  const { project: before } = await ana.projects.createProject({
    slug: "shop",
    settings: { sessionTtl: { seconds: 60n }, sharedPaths: ["yarn.lock"], caseSensitive: true },
  });

  const { project } = await ana.projects.updateProject({
    projectId: before?.id,
    project: { settings: { sharedPaths: ["./go.sum"] } },
    updateMask: { paths: ["settings"] },
  });

  expect(project?.settings).toMatchObject({
    sessionTtl: { seconds: 300n },
    sharedPaths: ["go.sum"],
    caseSensitive: true,
  });
});

test.each([
  [{ project: { name: "x" }, updateMask: { paths: ["title"] } }, /update_mask: "title"/],
  [{ project: { name: "x" } }, /update_mask: /],
  [{ updateMask: { paths: ["name"] } }, /project: /],
  [
    { project: { settings: { caseSensitive: true } }, updateMask: { paths: ["settings.case_sensitive"] } },
    /update_mask/,
  ],
  [{ project: { settings: { caseSensitive: true } }, updateMask: { paths: ["settings"] } }, /case_sensitive: is fixed/],
  [
    { project: { settings: { sharedPaths: ["*.lock"] } }, updateMask: { paths: ["settings.shared_paths"] } },
    /^project\.settings\.shared_paths\[0\]: /,
  ],
])("the update %j is refused and changes nothing", async (update, message) => {
  const ana = await api.server().join("ana");
  const projectId = await createProject(ana, "shop");
  const before = await ana.projects.getProject({ projectId });

  const refused = await refusalOf(ana.projects.updateProject({ projectId, ...update }));

  expect(refused.code).toBe("InvalidArgument");
  expect(refused.message).toMatch(message);
  expect(await ana.projects.getProject({ projectId })).toEqual(before);
});

test("an update with an old etag is refused and names the current one", async () => {
  const ana = await api.server().join("ana");
  const projectId = await createProject(ana, "shop");
  const { project } = await ana.projects.getProject({ projectId });
  const rename = (name: string, etag = "") =>
    ana.projects.updateProject({ projectId, project: { name }, updateMask: { paths: ["name"] }, etag });
  const renamed = await rename("One", project?.etag);

  const refused = await refusalOf(rename("Two", project?.etag));

  expect(refused).toMatchObject({ code: "Aborted", reason: "ETAG_MISMATCH" });
  expect(refused.detail(EtagMismatchSchema)?.currentEtag).toBe(renamed.project?.etag);
});

test("a project can't take the slug of another one of its creator", async () => {
  const ana = await api.server().join("ana");
  const projectId = await createProject(ana, "shop");
  await createProject(ana, "bar");

  const refused = await refusalOf(
    ana.projects.updateProject({ projectId, project: { slug: "bar" }, updateMask: { paths: ["slug"] } }),
  );

  expect(refused.reason).toBe("RESOURCE_ALREADY_EXISTS");
});

test("a project is deleted only by its slug, and is gone then, also from the claim store", async () => {
  const server = api.server();
  const ana = await server.join("ana");
  const projectId = await createProject(ana, "shop");

  const refused = await refusalOf(ana.projects.deleteProject({ projectId, confirmSlug: "shops" }));
  expect(refused.message).toMatch(/^confirm_slug: .*"shop"/);

  const requestId = randomUUID();
  await ana.projects.deleteProject({ projectId, confirmSlug: "shop", requestId });
  await ana.projects.deleteProject({ projectId, confirmSlug: "shop", requestId });

  expect(new Set(server.forgottenProjects)).toEqual(new Set([projectId]));
  expect((await refusalOf(ana.projects.getProject({ projectId }))).reason).toBe("RESOURCE_NOT_FOUND");
  expect((await refusalOf(ana.projects.deleteProject({ projectId, confirmSlug: "shop" }))).reason).toBe(
    "RESOURCE_NOT_FOUND",
  );
});

test("a member is added by email in any case; adding again changes nothing", async () => {
  const server = api.server();
  const [ana, bob] = [await server.join("ana"), await server.join("bob")];
  const projectId = await createProject(ana, "shop");

  const first = await ana.projects.addMember({ projectId, email: bob.email.toUpperCase(), role: Role.OWNER });
  const again = await ana.projects.addMember({ projectId, email: bob.email, role: Role.MEMBER });

  expect(first.member).toMatchObject({ role: Role.OWNER, engineer: { id: bob.id } });
  expect(again).toEqual(first);
  const stranger = await refusalOf(ana.projects.addMember({ projectId, email: "nobody@example.com" }));
  expect(stranger).toMatchObject({ code: "NotFound", reason: "RESOURCE_NOT_FOUND" });
});

test("members are listed by email, in pages", async () => {
  const server = api.server();
  const ana = await server.join("mia");
  const projectId = await createProject(ana, "shop");
  for (const name of ["zoe", "Abe", "kim"]) {
    await ana.projects.addMember({ projectId, email: (await server.join(name)).email });
  }

  const first = await ana.projects.listMembers({ projectId, pageSize: 3 });
  const second = await ana.projects.listMembers({ projectId, pageSize: 3, pageToken: first.nextPageToken });

  expect([first, second].map((page) => page.members.map((member) => member.engineer?.name))).toEqual([
    ["Abe", "kim", "mia"],
    ["zoe"],
  ]);
});

test("the last owner can neither leave nor step down", async () => {
  const server = api.server();
  const [ana, bob] = [await server.join("ana"), await server.join("bob")];
  const projectId = await createProject(ana, "shop");
  await ana.projects.addMember({ projectId, email: bob.email });

  const refusals = await Promise.all(
    [
      ana.projects.removeMember({ projectId, email: ana.email }),
      ana.projects.updateMember({ projectId, email: ana.email, role: Role.MEMBER }),
    ].map(refusalOf),
  );
  expect(refusals.map((r) => [r.code, r.reason])).toEqual(refusals.map(() => ["FailedPrecondition", "LAST_OWNER"]));

  await ana.projects.updateMember({ projectId, email: bob.email, role: Role.OWNER });
  await ana.projects.removeMember({ projectId, email: ana.email });
  expect((await bob.projects.listMembers({ projectId })).members).toHaveLength(1);
});

test.each(["leave", "step down", "remove each other"])(
  "of two owners who %s at the same time one stays",
  async (how) => {
    const servers = [api.server(), api.server()] as const;
    const [ana, bob] = [await servers[0].join("ana"), await servers[1].join("bob")];
    for (let round = 0; round < 5; round++) {
      const projectId = await createProject(ana, `shop-${round}`);
      await ana.projects.addMember({ projectId, email: bob.email, role: Role.OWNER });

      const attempts = await Promise.allSettled(
        [ana, bob].map((engineer) => {
          const other = engineer === ana ? bob : ana;
          if (how === "leave") return engineer.projects.removeMember({ projectId, email: engineer.email });
          if (how === "remove each other") return engineer.projects.removeMember({ projectId, email: other.email });
          return engineer.projects.updateMember({ projectId, email: engineer.email, role: Role.MEMBER });
        }),
      );

      expect(attempts.map((attempt) => attempt.status).sort()).toEqual(["fulfilled", "rejected"]);
      expect(await ownersOf(api.server(), [ana.key, bob.key], projectId)).toBe(1);
    }
  },
);

test("removing a member ends their sessions, also when the answer was lost and the call is repeated", async () => {
  const server = api.server();
  const [ana, bob] = [await server.join("ana"), await server.join("bob")];
  const projectId = await createProject(ana, "shop");
  await ana.projects.addMember({ projectId, email: bob.email });
  const request = { projectId, email: bob.email, requestId: randomUUID() };

  await ana.projects.removeMember(request);
  await ana.projects.removeMember(request);

  const ended = { projectId, engineerId: bob.id };
  expect(server.endedSessions).toEqual([ended, ended]);
  expect((await refusalOf(bob.projects.getProject({ projectId }))).reason).toBe("RESOURCE_NOT_FOUND");
  expect((await refusalOf(ana.projects.removeMember({ projectId, email: bob.email }))).reason).toBe(
    "RESOURCE_NOT_FOUND",
  );
});

test("a role has to be said when it is changed", async () => {
  const ana = await api.server().join("ana");
  const projectId = await createProject(ana, "shop");

  const refused = await refusalOf(ana.projects.updateMember({ projectId, email: ana.email }));

  expect(refused.message).toMatch(/^role: /);
});

async function createProject(caller: ApiCaller, slug: string): Promise<string> {
  const { project } = await caller.projects.createProject({ slug });
  return project?.id ?? "";
}

/** How many owners a project has, as whoever of these is still in it sees it. */
async function ownersOf(server: ApiServer, keys: readonly string[], projectId: string): Promise<number> {
  for (const key of keys) {
    const seen = await server
      .as(key)
      .projects.listMembers({ projectId })
      .catch(() => undefined);
    if (seen !== undefined) return seen.members.filter((member) => member.role === Role.OWNER).length;
  }
  return 0;
}
