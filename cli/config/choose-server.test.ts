import { expect, test } from "vitest";
import { chooseServer, DEFAULT_SERVER } from "./choose-server.ts";

const TEAM = "https://nexus.example.com";
const FOREIGN = "https://evil.example.net";
const NONE = { keys: {} };

test("NEXUS_URL goes before the link, the link before the last login, and that before the default", () => {
  const config = { server: TEAM, keys: {} };

  expect(chooseServer({ NEXUS_URL: "http://here:1/" }, config, FOREIGN)).toMatchObject({ url: "http://here:1" });
  expect(chooseServer({}, config, FOREIGN)).toMatchObject({ url: FOREIGN, chosenBy: "project link" });
  expect(chooseServer({}, config, undefined)).toMatchObject({ url: TEAM, chosenBy: "login" });
  expect(chooseServer({}, NONE, undefined)).toMatchObject({ url: DEFAULT_SERVER, chosenBy: "default" });
});

test("each server gets its own key, and NEXUS_API_KEY goes before it", () => {
  const config = { server: TEAM, keys: { [TEAM]: "team-key", [DEFAULT_SERVER]: "local-key" } };

  expect(chooseServer({}, config, undefined).apiKey).toBe("team-key");
  expect(chooseServer({}, config, "http://127.0.0.1:3000/").apiKey).toBe("local-key");
  expect(chooseServer({ NEXUS_API_KEY: "given" }, config, undefined).apiKey).toBe("given");
});

test("no key goes to a server that only a file of the repository names", () => {
  const config = { server: TEAM, keys: { [TEAM]: "team-key" } };

  expect(chooseServer({ NEXUS_API_KEY: "given" }, config, FOREIGN)).toMatchObject({
    apiKey: undefined,
    trusted: false,
  });
  expect(chooseServer({ NEXUS_API_KEY: "given" }, config, TEAM)).toMatchObject({ apiKey: "given", trusted: true });
  expect(chooseServer({ NEXUS_API_KEY: "given" }, NONE, "http://localhost:4000")).toMatchObject({ apiKey: "given" });
  expect(chooseServer({ NEXUS_API_KEY: "given", NEXUS_URL: FOREIGN }, NONE, FOREIGN).apiKey).toBe("given");
});

test("an address that is none is refused with where it came from", () => {
  expect(() => chooseServer({ NEXUS_URL: "localhost:3000" }, NONE, undefined)).toThrow(/^NEXUS_URL: /);
});
