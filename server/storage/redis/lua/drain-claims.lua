#!lua flags=allow-oom
--[[
  Ends claims uncleanly, whatever their state: draining for the lock-delay, or freed at once. Claims that drain already
  keep their time, so that repeating this prolongs nothing. Sessions live on.

  KEYS  the project's keys (keys.lua); writes all but leases

  ARGV
    1   epoch
    2   server identity
    3   lock-delay in milliseconds; 0 frees at once
    4.. claim ids

  Reply
    { "DRAINED", claim id, ... }   those that are not known
    { "RECOVERING" } or { "RECOVERING", epoch }
]]
local drain_ms = tonumber(ARGV[3])

local state = read_state()
local refusal = recovering(state, ARGV[1], ARGV[2])
if refusal then
  return refusal
end

remember_time(state)
local reply = { 'DRAINED' }
for i = 4, #ARGV do
  local claim = load_claim(ARGV[i])
  if claim then
    drain_claim(claim, state.now, drain_ms)
  else
    reply[#reply + 1] = ARGV[i]
  end
end
return reply
