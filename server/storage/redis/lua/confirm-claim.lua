#!lua flags=allow-oom
--[[
  Turns a provisional claim into a held one. One that is held already stays as it is.

  KEYS  the project's keys (keys.lua); writes state, claims, provisional

  ARGV
    1  epoch
    2  server identity
    3  claim id

  Reply
    { "CONFIRMED", row }   row as in claims.lua
    { "SESSION_EXPIRED" }  its session's lease has run out or ended; nothing was changed
    { "GONE" }
    { "RECOVERING" } or { "RECOVERING", epoch }
]]
local state = read_state()
local refusal = recovering(state, ARGV[1], ARGV[2])
if refusal then
  return refusal
end
local now = state.now
local claim = load_claim(ARGV[3])
if not claim then
  return { 'GONE' }
end
if claim.state == 'draining' or not live_lease(claim.session, now) then
  return { 'SESSION_EXPIRED' }
end

remember_time(state)
if claim.state == 'provisional' then
  claim.state = 'held'
  claim.ends = nil
  save_claim(claim)
  redis.call('ZREM', PROVISIONAL, claim.id)
end
return { 'CONFIRMED', claim_row(claim, now) }
