import { once } from "node:events";
import { connect, createServer, type Socket } from "node:net";
import { setTimeout as pause } from "node:timers/promises";
import { expect, onTestFinished, test } from "vitest";
import { TcpProxy } from "./tcp-proxy.ts";

/** A store that answers what it is asked, and a server that asks through a proxy. */
async function stretch() {
  const asked: string[] = [];
  const store = createServer((socket) => {
    socket.on("error", () => {});
    socket.on("data", (data) => {
      asked.push(data.toString());
      socket.write(data);
    });
  });
  store.listen(0, "127.0.0.1");
  await once(store, "listening");
  const proxy = await TcpProxy.start((store.address() as { port: number }).port);
  const server = connect(proxy.port, "127.0.0.1");
  const answers: string[] = [];
  server.on("error", () => {});
  server.on("data", (data) => answers.push(data.toString()));
  await once(server, "connect");
  onTestFinished(async () => {
    server.destroy();
    await proxy.close();
    store.close();
  });
  return { proxy, server, asked, answers };
}

async function says(server: Socket, what: string, answers: string[]): Promise<void> {
  server.write(what);
  await expect.poll(() => answers.join("")).toContain(what);
}

test("what is sent in silence arrives when it ends, and not before", async () => {
  const { proxy, server, asked, answers } = await stretch();
  await says(server, "one", answers);
  proxy.silence("requests");
  server.write("two");
  await pause(50);
  expect(asked).toEqual(["one"]);

  proxy.deliver();

  await expect.poll(() => answers.join("")).toBe("onetwo");
});

test("where answers are silent the store hears all the same", async () => {
  const { proxy, server, asked, answers } = await stretch();
  proxy.silence("answers");
  server.write("one");
  await expect.poll(() => asked).toEqual(["one"]);
  expect(answers).toEqual([]);
});

test("a request that was under way in silence reaches the store although its sender is gone", async () => {
  const { proxy, server, asked, answers } = await stretch();
  await says(server, "one", answers);
  proxy.silence("requests");
  server.end("late");
  await pause(50);

  proxy.deliver();

  await expect.poll(() => asked.join("")).toBe("onelate");
});

test("a cut connection is broken, and the next one gets through", async () => {
  const { proxy, server } = await stretch();
  const closed = once(server, "close");
  proxy.cut();
  await closed;
  const again = connect(proxy.port, "127.0.0.1");
  onTestFinished(() => void again.destroy());
  again.write("hello");
  expect(String((await once(again, "data"))[0])).toBe("hello");
});

test("slow data arrives in order", async () => {
  const { proxy, server, answers } = await stretch();
  proxy.delayMs = 30;
  server.write("one");
  await pause(10);
  proxy.delayMs = 0;
  server.write("two");
  await expect.poll(() => answers.join("")).toBe("onetwo");
});
