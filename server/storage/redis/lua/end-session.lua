#!lua flags=allow-oom
--[[
  Ends a session's lease and its claims: freed at once, or draining for the lock-delay. Claims that drain already keep
  their time, so that repeating this prolongs nothing. Unknown sessions are passed over.

  KEYS  the project's keys (keys.lua); writes all

  ARGV
    1  epoch
    2  server identity
    3  session id
    4  lock-delay in milliseconds; 0 frees at once
    5.. ids of its claims that are freed at once in any case

  Reply
    { "ENDED" }
    { "RECOVERING" } or { "RECOVERING", epoch }
]]
local session, drain_ms = ARGV[3], tonumber(ARGV[4])

local state = read_state()
local refusal = recovering(state, ARGV[1], ARGV[2])
if refusal then
  return refusal
end

remember_time(state)
local free = {}
for i = 5, #ARGV do
  free[ARGV[i]] = true
end
for _, id in ipairs(claims_of_session(session)) do
  drain_claim(load_claim(id), state.now, free[id] and 0 or drain_ms)
end
redis.call('ZREM', LEASES, session)
return { 'ENDED' }
