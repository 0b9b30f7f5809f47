#!lua flags=no-writes
--[[
  One page of the live claims of a project or of one session, ordered by session and claim.

  KEYS  the project's keys (keys.lua)

  ARGV
    1  epoch
    2  server identity
    3  session id, or "" for the whole project
    4  cursor of the page before, or ""
    5  most claims in the page

  Reply
    { "LISTED", cursor, row, touches, row, touches, ... }   cursor "" at the end; row as in claims.lua, touches as JSON
    { "RECOVERING" } or { "RECOVERING", epoch }
]]
local session, cursor, size = ARGV[3], ARGV[4], tonumber(ARGV[5])

local state = read_state()
local refusal = recovering(state, ARGV[1], ARGV[2])
if refusal then
  return refusal
end
local min, max = '-', '+'
if session ~= '' then
  min, max = '[' .. session .. '\0', '(' .. session .. '\1'
end
if cursor ~= '' then
  min = '(' .. cursor
end
local members = redis.call('ZRANGE', HOLDINGS, min, max, 'BYLEX', 'LIMIT', 0, size)
local reply = { 'LISTED', #members == size and members[size] or '' }
for _, member in ipairs(members) do
  local id = member:sub(member:find('\0', 1, true) + 1)
  local claim = load_claim(id)
  if is_live(claim, state.now) then
    reply[#reply + 1] = claim_row(claim, state.now)
    reply[#reply + 1] = redis.call('HGET', TOUCHES, id)
  end
end
return reply
