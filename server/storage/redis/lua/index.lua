-- The index of what is held, and what comes and goes with it. Needs claims.lua.
--
-- A touch comes as { path, mode, terms }, one term for each brace-free alternative (index-terms.ts makes them):
--   kind         "tree" (a literal and all below it), "file" (exactly one path) or "glob"
--   at           the literal directory or path, every segment closed by "/": where the entry stands in the index
--   head         literal characters after `at` that every match goes on with (globs)
--   tail         the last characters of every match, reversed, cut to the same length for all ("" for trees)
--   alternative  its compiled form as JSON text ("" but for globs)
--
-- Each term is one member per claim, all with score 0, so that freeing one claim never frees another. A touch that a
-- claim names twice has one member and counts twice; it comes and goes by its text and mode, so both at once:
--   entries   <mode><class><depth><at> 0 head 0 tail 0 claim 0 text 0 alternative
--   suffixes  <mode><tail> 0 head 0 at 0 ...the same (files and globs only)
--   nodes     hash: directory or path -> members standing exactly there, and CHILD for each node right below it
--   depths    hash: <mode><class><depth> -> members of `entries` that begin so
-- mode is "e" or "s", class "t" for trees and "o" for others, depth a byte for the number of segments in `at`. Text is
-- "" when it is `at` without its last "/".

-- Arguments to one Redis command; Lua's stack holds about twice as many.
local ARGUMENTS = 4000
-- What a node counts in the one above it; more than members ever stand at one place.
local CHILD = 67108864

local function class_of(term)
  return term.kind == 'tree' and 't' or 'o'
end

-- How a number of segments stands in `entries`.
local function depth_byte(depth)
  return string.char(32 + depth)
end

-- The directory right above a place; nil above the root. What was cut once is kept.
local parents = {}
local function parent_of(at)
  if at == '' then
    return nil
  end
  local parent = parents[at]
  if not parent then
    parent = at:match('^(.*/)[^/]+/$') or ''
    parents[at] = parent
  end
  return parent
end

-- The number of segments in a literal directory or path. What was counted once is kept.
local depths_known = { [''] = 0 }
local function depth_at(at)
  local depth = depths_known[at]
  if not depth then
    depth = depth_at(parent_of(at)) + 1
    depths_known[at] = depth
  end
  return depth
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

-- The members of a claim: those of `entries`, those of `suffixes`, and what they count in the nodes and depths.
local function members_of(claim_id, touches)
  local entries, suffixes, counts, depths = {}, {}, {}, {}
  for _, touch in ipairs(touches) do
    local mode = touch.mode:sub(1, 1)
    for _, term in ipairs(touch.terms) do
      local at = term.at
      local text = touch.path .. '/' == at and '' or touch.path
      local rest = '\0' .. claim_id .. '\0' .. text .. '\0' .. term.alternative
      local place = mode .. class_of(term) .. depth_byte(depth_at(at))
      entries[#entries + 1] = place .. at .. '\0' .. term.head .. '\0' .. term.tail .. rest
      if term.kind ~= 'tree' then
        suffixes[#suffixes + 1] = mode .. term.tail .. '\0' .. term.head .. '\0' .. at .. rest
      end
      counts[at] = (counts[at] or 0) + 1
      depths[place] = (depths[place] or 0) + 1
    end
  end
  return entries, suffixes, counts, depths
end

-- How many members stand exactly at a node.
local function members_at(node)
  return node % CHILD
end

-- Wants the node of a place and of everything above it that is not wanted yet. Returns how many came to the places.
local function want_node(nodes, places, at)
  local before = #places
  while at and not nodes[at] do
    nodes[at] = 0
    places[#places + 1] = at
    at = parent_of(at)
  end
  return #places - before
end

-- Reads the nodes of these places; 0 for those that are not there.
local function load_nodes(nodes, places)
  for first = 1, #places, ARGUMENTS do
    local last = math.min(first + ARGUMENTS - 1, #places)
    for i, count in ipairs(redis.call('HMGET', NODES, unpack(places, first, last))) do
      if count then
        nodes[places[first + i - 1]] = tonumber(count)
      end
    end
  end
end

-- The nodes of these places and of everything above them.
local function nodes_above(counts)
  local nodes, places = {}, {}
  for at in pairs(counts) do
    want_node(nodes, places, at)
  end
  load_nodes(nodes, places)
  return nodes
end

-- Adds what stands at these places, or takes it away where sign is -1. A node comes and goes with the first and the last
-- that stands there or below, and so does its part of the one above. Nodes are those of nodes_above.
local function change_nodes(nodes, counts, sign)
  local changed = {}
  for at, count in pairs(counts) do
    local place, change = at, sign * count
    while place do
      local before = nodes[place]
      nodes[place] = before + change
      changed[place] = true
      local came_or_went = (before == 0) ~= (nodes[place] == 0)
      place, change = came_or_went and parent_of(place), sign * CHILD
    end
  end
  local present, gone = {}, {}
  for place in pairs(changed) do
    if nodes[place] > 0 then
      present[#present + 1] = place
      -- Redis writes all the digits of a number, as tostring does not.
      present[#present + 1] = nodes[place]
    else
      gone[#gone + 1] = place
    end
  end
  call_in_chunks('HSET', NODES, ARGUMENTS, present)
  call_in_chunks('HDEL', NODES, ARGUMENTS, gone)
end

local function scored(members)
  local arguments = {}
  for i, member in ipairs(members) do
    arguments[2 * i - 1] = '0'
    arguments[2 * i] = member
  end
  return arguments
end

local function change_depths(depths, sign)
  for place, count in pairs(depths) do
    if redis.call('HINCRBY', DEPTHS, place, sign * count) == 0 then
      redis.call('HDEL', DEPTHS, place)
    end
  end
end

-- Nodes are those of nodes_above where they are known already.
local function add_to_index(claim_id, touches, nodes)
  local entries, suffixes, counts, depths = members_of(claim_id, touches)
  call_in_chunks('ZADD', ENTRIES, ARGUMENTS, scored(entries))
  call_in_chunks('ZADD', SUFFIXES, ARGUMENTS, scored(suffixes))
  change_nodes(nodes or nodes_above(counts), counts, 1)
  change_depths(depths, 1)
end

local function remove_from_index(claim_id, touches)
  local entries, suffixes, counts, depths = members_of(claim_id, touches)
  call_in_chunks('ZREM', ENTRIES, ARGUMENTS, entries)
  call_in_chunks('ZREM', SUFFIXES, ARGUMENTS, suffixes)
  change_nodes(nodes_above(counts), counts, -1)
  change_depths(depths, -1)
end

-- Forgets a claim and everything that points to it.
local function forget_claim(claim)
  remove_from_index(claim.id, cjson.decode(redis.call('HGET', TOUCHES, claim.id)))
  redis.call('HDEL', CLAIMS, claim.id)
  redis.call('HDEL', TOUCHES, claim.id)
  redis.call('ZREM', HOLDINGS, claim.session .. '\0' .. claim.id)
  redis.call('ZREM', PROVISIONAL, claim.id)
  redis.call('ZREM', DRAINING, claim.id)
  redis.call('ZREM', FEATURES, feature_member(claim))
end

-- Ends a claim uncleanly: draining for so long, or freed at once when that is 0. One that drains already keeps its time.
local function drain_claim(claim, now, drain_ms)
  if drain_ms == 0 then
    forget_claim(claim)
  elseif claim.state ~= 'draining' then
    claim.state = 'draining'
    claim.ends = now + drain_ms
    save_claim(claim)
    redis.call('ZREM', PROVISIONAL, claim.id)
    redis.call('ZADD', DRAINING, decimal(claim.ends), claim.id)
  end
end

-- Writes a new claim with its touches (JSON text) and everything that points to it. Nodes as in add_to_index.
local function add_claim(claim, touches_json, touches, nodes)
  save_claim(claim)
  redis.call('HSET', TOUCHES, claim.id, touches_json)
  redis.call('ZADD', FEATURES, 0, feature_member(claim))
  redis.call('ZADD', HOLDINGS, 0, claim.session .. '\0' .. claim.id)
  add_to_index(claim.id, touches, nodes)
end
