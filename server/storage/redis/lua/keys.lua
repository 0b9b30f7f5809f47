-- The keys of one project: every script gets all of them, in this order (keys.ts says what each holds).
local STATE, LEASES, CLAIMS, TOUCHES, FEATURES, HOLDINGS, PROVISIONAL, DRAINING, ENTRIES, SUFFIXES, NODES, DEPTHS =
  unpack(KEYS)
