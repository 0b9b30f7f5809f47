/** One command line of the story. */
export interface Step {
  /** Whose environment it runs in; `ana2` is a second session of Ana's. */
  readonly as: "ana" | "ana2" | "ben";
  readonly args: readonly string[];
  /** Ctrl-C as soon as this was printed. */
  readonly until?: string;
}

/** Files of the repository that the story is about. */
export const FILES: Readonly<Record<string, string>> = {
  "src/auth.ts": "",
  "src/ui/login.ts": "",
  "README.md": "",
  "CHANGELOG.md": "",
  "search.md": `---
title: Search everything
lane: later
touches: [src/search/**, "src/index.ts"]
---
# Search

Find what people *mean*, in one box.
`,
};

/** Commands that print nothing of their own that could be compared, with the reason. */
export const NOT_TOLD: Readonly<Record<string, string>> = {
  serve: "runs until it is stopped, and the server prints, not the command line",
  setup: "tells of a server of its own; setup.integration.test.ts has what it prints",
  completion: "prints a program for a shell",
  doctor: "tells of the machine that it runs on",
  "admin backup": "needs the server's own stores",
  "admin restore": "needs the server's own stores",
  "admin move": "needs the server's own stores",
  "admin reset-key": "needs the server's own stores",
};

const STORY = `
ana  login --register --email ana@example.com --name Ana
ana  whoami
ana  project create shop --name Shop
ana  project use shop
ana  project list
ana  project show
ana  project settings --session-ttl 10m
ben  login --register --email ben@example.com --name Ben
ana  project add-member ben@example.com
ana  project members
ana  feature list
ana  feature create --title 'Log in with a password, a token, or single sign-on of the company' --slug login --lane now --touch src/auht.ts --touch 'src/ui/**' --touch 'lib/**'
ana  feature edit login --touch src/auht.ts
ana  feature edit login --touch src/auth.ts --touch 'src/ui/**' --spec 'Keep the session for a day.'
ana  feature create --from search.md
ana  feature create --title 'Log out' --slug logout --touch src/auth.ts --spec 'Everywhere.'
ana  feature create --title 'Write it down' --slug docs --depends-on login
ana  feature create --title 'Write it down' --slug docs
ana  feature create --slug evil --title 'Evil \u202eeltit' --spec 'clear \u001b[2J'
ana  feature create --slug evil --title 'Evil \u202eeltit' --spec 'hidden \u200b'
ana  feature list
ana  feature show evil
ana  feature delete evil
ana  feature ready login
ana  feature ready logout
ana  feature ready docs
ana  feature ready search-everything
ana  feature unready docs
ana  feature ready docs
ana  feature show search-everything
ana  roadmap reorder search-everything --lane next
ana  roadmap show
ana  feature available
ana  feature next --count 3
ana  session open
ana  feature pick login
ana  session show
ana  session heartbeat
ana  claim mine
ana  claim extend --shared CHANGELOG.md
ana  claim list
ana  learn 'the token cache is per process'
ana  watch --after 0
ana  decision 'Keep claims in Redis' --rationale 'they expire'
ana  save 'half-way: parser done, tests missing' --data '{"step":3}'
ana  resume
ana  knowledge search token
ana  knowledge learnings
ana  knowledge decisions
+1m
ben  pick logout
ben  pick login
ben  pick docs
ben  claim check src/auth.ts README.md
ben  feature available --blocked
ben  feature next
ben  next
ben  claim extend src/auth.ts src/other.ts
ben  session list
ana  status
ana  status --watch
ana  feature list
ana  feature list --mine
ana  feature list --status ready --quiet
ana  claim release CHANGELOG.md
ana2 pick login
ana2 pick login --take-over
ana  done
ana2 pick --resume
ana2 done --branch trunk --commit 4f2a9c1
ana  feature merged login
ben  feature release
ben  pick logout
ana  claim force-release logout --reason 'the agent hangs'
ben  done
ben  session close
ana  session close
ana  pick --resume
ana  feature cancel docs
ana  feature show login
ana  feature create --slug scratch --title Scratch
ana  feature delete scratch
ana  feature list --lane soon
ana  feture list
ana  feature list --lnae now
ana  feature pick
ana  feature
ana  feature pick --help
ana  feature --help
ana  --help
+1m
ana  key create ci --lifetime 90d
ana  key list
ana  key revoke @nxs_(\\w{12})_
ana  status
ana  project remove-member ben@example.com
ana  project delete shop --confirm shop
ana  feature list
ana  logout
ana  whoami
ana  version
`;

/** Of what ends by Ctrl-C only, what is waited for. */
const UNTIL: Readonly<Record<string, string>> = {
  "watch --after 0": "the token cache is per process",
  "status --watch": "Shop",
};

/** The steps, in parts: a minute goes by between one part and the next. Words in single quotes are one. */
export function story(): Step[][] {
  return STORY.trim()
    .split("+1m\n")
    .map((part) => part.trim().split("\n").map(stepIn));
}

function stepIn(line: string): Step {
  const [as = "", ...args] = [...line.matchAll(/'([^']*)'|\S+/g)].map(([word, quoted]) => quoted ?? word);
  const until = UNTIL[args.join(" ")];
  return { as: as as Step["as"], args, ...(until === undefined ? {} : { until }) };
}
