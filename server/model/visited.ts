/** A set of packed states, each kept as 64 bits of hash: 16 bytes a member, in typed arrays, so that millions fit. */
export class HashSet {
  size = 0;
  private high = new Uint32Array(1 << 16);
  private low = new Uint32Array(1 << 16);
  private keyHigh = 0;
  private keyLow = 0;

  /** Begins a key that is the least of several strings' hashes. */
  startKey(): void {
    this.keyHigh = this.keyLow = 0xffffffff;
  }

  offer(words: Uint32Array, count: number): void {
    let a = 0x9e3779b9;
    let b = 0x7f4a7c15;
    for (let i = 0; i < count; i++) {
      const word = words[i] ?? 0;
      a ^= Math.imul(rotated(Math.imul(word, 0xcc9e2d51), 15), 0x1b873593);
      a = (Math.imul(rotated(a, 13), 5) + 0xe6546b64) | 0;
      b ^= Math.imul(rotated(Math.imul(word, 0x239b961b), 16), 0x38b34ae5);
      b = (Math.imul(rotated(b, 17), 5) + 0x561ccd1b) | 0;
    }
    // Zero marks an empty place.
    const high = mix(a) || 1;
    const low = mix(b);
    if (high < this.keyHigh || (high === this.keyHigh && low < this.keyLow)) {
      this.keyHigh = high;
      this.keyLow = low;
    }
  }

  /** Adds the key; false when it was there. */
  addKey(): boolean {
    if (!insert(this.high, this.low, this.keyHigh, this.keyLow)) return false;
    this.size++;
    if (this.size * 2 > this.high.length) this.grow();
    return true;
  }

  private grow(): void {
    const { high, low } = this;
    this.high = new Uint32Array(high.length * 2);
    this.low = new Uint32Array(low.length * 2);
    for (let i = 0; i < high.length; i++) if (high[i] !== 0) insert(this.high, this.low, high[i] ?? 0, low[i] ?? 0);
  }
}

function insert(highs: Uint32Array, lows: Uint32Array, high: number, low: number): boolean {
  const mask = highs.length - 1;
  let at = low & mask;
  while (highs[at] !== 0) {
    if (highs[at] === high && lows[at] === low) return false;
    at = (at + 1) & mask;
  }
  highs[at] = high;
  lows[at] = low;
  return true;
}

function rotated(x: number, bits: number): number {
  return (x << bits) | (x >>> (32 - bits));
}

function mix(x: number): number {
  let h = x ^ (x >>> 16);
  h = Math.imul(h, 0x85ebca6b);
  h ^= h >>> 13;
  h = Math.imul(h, 0xc2b2ae35);
  return (h ^ (h >>> 16)) >>> 0;
}

const CHUNK = 1 << 14;

/** States in the order in which they were found, with the way to each; their words until they are taken. */
export class StateLog {
  length = 0;
  private parents = new Uint32Array(CHUNK);
  private ordinals = new Uint8Array(CHUNK);
  private readonly chunks: (Uint32Array | undefined)[] = [];

  private readonly size: number;

  /** @param size words of every state */
  constructor(size: number) {
    this.size = size;
  }

  append(words: Uint32Array, parent: number, ordinal: number): void {
    const id = this.length++;
    if (id === this.parents.length) {
      this.parents = grown(this.parents, new Uint32Array(id * 2));
      this.ordinals = grown(this.ordinals, new Uint8Array(id * 2));
    }
    this.parents[id] = parent;
    this.ordinals[id] = ordinal;
    const chunk = Math.floor(id / CHUNK);
    this.chunks[chunk] ??= new Uint32Array(CHUNK * this.size);
    this.chunks[chunk]?.set(words, (id % CHUNK) * this.size);
  }

  /** The words of a state; states are taken in order, and each only once. */
  take(id: number): Uint32Array {
    const chunk = Math.floor(id / CHUNK);
    if (id % CHUNK === 0 && chunk > 0) this.chunks[chunk - 1] = undefined;
    const from = (id % CHUNK) * this.size;
    return this.chunks[chunk]?.subarray(from, from + this.size) ?? new Uint32Array(this.size);
  }

  /** Which move was made each time on the way from the first state to this one. */
  ordinalsTo(id: number): number[] {
    const way: number[] = [];
    for (let at = id; at !== 0; at = this.parents[at] ?? 0) way.unshift(this.ordinals[at] ?? 0);
    return way;
  }
}

function grown<Numbers extends Uint32Array | Uint8Array>(from: Numbers, into: Numbers): Numbers {
  into.set(from);
  return into;
}
