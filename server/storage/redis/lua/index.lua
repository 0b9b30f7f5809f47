-- The index of what is held, and the search in it. Needs keys.lua and overlap.lua.
--
-- A touch comes as { path, mode, terms }, one term for each brace-free alternative (index-terms.ts makes them):
--   kind         "tree" (a literal and all below it), "file" (exactly one path) or "glob"
--   at           the literal directory or path, every segment closed by "/": where the entry stands in the index
--   head         literal characters after `at` that every match goes on with (globs)
--   tail         the last characters of every match, reversed, cut to the same length for all ("" for trees)
--   alternative  its compiled form as JSON text ("" but for globs)
--
-- Each term is one member per claim, all with score 0, so that freeing one claim never frees another:
--   prefixes  <mode><class><at> 0 head 0 tail 0 claim 0 touch 0 text 0 alternative
--   suffixes  <mode><tail> 0 head 0 at 0 ...the same (files and globs only)
--   nodes     hash: at -> number of members standing there
-- mode is "e" or "s", class "t" for trees and "o" for others. Text is "" when it is `at` without its last "/".

-- Arguments to one Redis command; Lua's stack holds about twice as many.
local ARGUMENTS = 4000

local function class_of(term)
  return term.kind == 'tree' and 't' or 'o'
end

-- The least string that is greater than every string with this prefix (never ends in the byte 255: it is UTF-8).
local function after(prefix)
  return prefix:sub(1, -2) .. string.char(prefix:byte(-1) + 1)
end

local function call_in_chunks(command, key, step, arguments)
  for first = 1, #arguments, step do
    redis.call(command, key, unpack(arguments, first, math.min(first + step - 1, #arguments)))
  end
end

-- Calls visit(prefix_member, suffix_member or nil, at) for each member of a claim.
local function each_member(claim_id, touches, visit)
  for number, touch in ipairs(touches) do
    local mode = touch.mode:sub(1, 1)
    for _, term in ipairs(touch.terms) do
      local text = touch.path .. '/' == term.at and '' or touch.path
      local rest = '\0' .. claim_id .. '\0' .. (number - 1) .. '\0' .. text .. '\0' .. term.alternative
      local suffix = nil
      if term.kind ~= 'tree' then
        suffix = mode .. term.tail .. '\0' .. term.head .. '\0' .. term.at .. rest
      end
      visit(mode .. class_of(term) .. term.at .. '\0' .. term.head .. '\0' .. term.tail .. rest, suffix, term.at)
    end
  end
end

local function add_to_index(claim_id, touches)
  local prefixes, suffixes, counts = {}, {}, {}
  each_member(claim_id, touches, function(prefix, suffix, at)
    prefixes[#prefixes + 1] = 0
    prefixes[#prefixes + 1] = prefix
    if suffix then
      suffixes[#suffixes + 1] = 0
      suffixes[#suffixes + 1] = suffix
    end
    counts[at] = (counts[at] or 0) + 1
  end)
  call_in_chunks('ZADD', PREFIXES, ARGUMENTS, prefixes)
  call_in_chunks('ZADD', SUFFIXES, ARGUMENTS, suffixes)
  for at, count in pairs(counts) do
    redis.call('HINCRBY', NODES, at, count)
  end
end

local function remove_from_index(claim_id, touches)
  local prefixes, suffixes, counts = {}, {}, {}
  each_member(claim_id, touches, function(prefix, suffix, at)
    prefixes[#prefixes + 1] = prefix
    suffixes[#suffixes + 1] = suffix
    counts[at] = (counts[at] or 0) + 1
  end)
  call_in_chunks('ZREM', PREFIXES, ARGUMENTS, prefixes)
  call_in_chunks('ZREM', SUFFIXES, ARGUMENTS, suffixes)
  for at, count in pairs(counts) do
    if redis.call('HINCRBY', NODES, at, -count) <= 0 then
      redis.call('HDEL', NODES, at)
    end
  end
end

-- Forgets a claim and everything that points to it.
local function forget_claim(claim)
  remove_from_index(claim.id, cjson.decode(redis.call('HGET', TOUCHES, claim.id)))
  redis.call('HDEL', CLAIMS, claim.id)
  redis.call('HDEL', TOUCHES, claim.id)
  redis.call('ZREM', HOLDINGS, claim.session .. '\0' .. claim.id)
  redis.call('ZREM', PROVISIONAL, claim.id)
  redis.call('ZREM', DRAINING, claim.id)
  if redis.call('HGET', FEATURES, claim.feature) == claim.id then
    redis.call('HDEL', FEATURES, claim.feature)
  end
end

-- Writes a new claim with its touches (JSON text) and everything that points to it.
local function add_claim(claim, touches_json, touches)
  save_claim(claim)
  redis.call('HSET', TOUCHES, claim.id, touches_json)
  redis.call('HSET', FEATURES, claim.feature, claim.id)
  redis.call('ZADD', HOLDINGS, 0, claim.session .. '\0' .. claim.id)
  add_to_index(claim.id, touches)
end
