#!lua flags=allow-oom
--[[
  Turns a provisional claim into a held one; one that is held already stays as it is. Frees the claims of its feature
  that it replaces; those that are not known, or another feature's, are passed over.

  KEYS  the project's keys (keys.lua); writes all but leases

  ARGV
    1   epoch
    2   server identity
    3   claim id
    4.. ids of claims that it replaces

  Reply
    { "CONFIRMED", row }   row as in claims.lua
    { "SESSION_EXPIRED" }  its session's lease has run out or ended; nothing was changed
    { "GONE" }             not known, or draining while its session lives; nothing was changed
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
if not live_lease(claim.session, now) then
  return { 'SESSION_EXPIRED' }
end
if claim.state == 'draining' then
  return { 'GONE' }
end

remember_time(state)
if claim.state == 'provisional' then
  claim.state = 'held'
  claim.ends = nil
  save_claim(claim)
  redis.call('ZREM', PROVISIONAL, claim.id)
end
for i = 4, #ARGV do
  local replaced = load_claim(ARGV[i])
  if replaced and replaced.feature == claim.feature and replaced.id ~= claim.id then
    forget_claim(replaced)
  end
end
return { 'CONFIRMED', claim_row(claim, now) }
