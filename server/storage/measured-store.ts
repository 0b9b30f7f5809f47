/** The stores, as they are called in metrics; `embedded` are claims in this process. */
export type StoreName = "postgres" | "redis" | "embedded";

/**
 * Told of every operation of a store when it has begun.
 *
 * @param startedMs when, by `performance.now()`
 */
export type WatchOperation = (operation: string, startedMs: number, answer: Promise<unknown>) => void;

/** The same store, with every operation of it watched; those that answer at once, without a promise, are none. */
export function measuredStore<Store extends object>(store: Store, watch: WatchOperation, prefix = ""): Store {
  return new Proxy(store, {
    get(target, name) {
      const member: unknown = Reflect.get(target, name);
      if (typeof member !== "function") return member;
      return (...args: unknown[]) => {
        const startedMs = performance.now();
        const answer: unknown = Reflect.apply(member, target, args);
        if (answer instanceof Promise) watch(prefix + String(name), startedMs, answer);
        return answer;
      };
    },
  });
}
