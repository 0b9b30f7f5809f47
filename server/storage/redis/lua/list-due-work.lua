#!lua flags=allow-oom
--[[
  The tick of a reconciler: what somebody has to look after, which is sessions whose lease has run out, provisional claims
  past their deadline, draining claims past their time. When the last tick is too long ago to tell what happened since,
  everything that runs by time has to be recovered instead.

  KEYS  the project's keys (keys.lua); writes state

  ARGV
    1  epoch
    2  server identity
    3  most of each

  Reply
    { "DUE", { session, ... }, { row, ... }, { drained claim id, ... } }   longest due first; row as in claims.lua
    { "RECOVERING" } or { "RECOVERING", epoch }
]]
local state = read_state()
local refusal = recovering(state, ARGV[1], ARGV[2])
if refusal then
  return refusal
end
if state.now < state.clock and redis.call('EXISTS', LEASES, DRAINING) > 0 then
  return { 'RECOVERING', state.epoch }
end
tick(state)
local function due(key)
  return redis.call('ZRANGE', key, '-inf', decimal(state.now), 'BYSCORE', 'LIMIT', 0, ARGV[3])
end
local overdue = {}
for i, id in ipairs(due(PROVISIONAL)) do
  overdue[i] = claim_row(load_claim(id), state.now)
end
return { 'DUE', due(LEASES), overdue, due(DRAINING) }
