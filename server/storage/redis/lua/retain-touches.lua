#!lua flags=allow-oom
--[[
  Frees every touch of a claim that is not named. Adds none, so repeating it is safe, and a claim whose touches are all
  gone lives on. A claim that is not known is passed over.

  KEYS  the project's keys (keys.lua); writes state, touches and the index

  ARGV
    1  epoch
    2  server identity
    3  claim id
    4  what stays as JSON: [{ path, mode }, ...]

  Reply
    { "RETAINED" }
    { "RECOVERING" } or { "RECOVERING", epoch }
]]
local claim_id = ARGV[3]

local state = read_state()
local refusal = recovering(state, ARGV[1], ARGV[2])
if refusal then
  return refusal
end

local touches_json = redis.call('HGET', TOUCHES, claim_id)
if touches_json then
  local stays = { exclusive = {}, shared = {} }
  for _, touch in ipairs(cjson.decode(ARGV[4])) do
    stays[touch.mode][touch.path] = true
  end
  local kept, dropped = {}, {}
  for _, touch in ipairs(cjson.decode(touches_json)) do
    local list = stays[touch.mode][touch.path] and kept or dropped
    list[#list + 1] = touch
  end
  if #dropped > 0 then
    remember_time(state)
    remove_from_index(claim_id, dropped)
    -- An empty table would be written as an object.
    redis.call('HSET', TOUCHES, claim_id, #kept > 0 and cjson.encode(kept) or '[]')
  end
end
return { 'RETAINED' }
