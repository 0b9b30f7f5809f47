-- Where in the index to look for what may overlap a term, and reading it. Needs index.lua.
--
-- Every entry that can overlap a term stands at a directory above it, or at or below it. The nodes tell where anything
-- stands at all, so a literal costs their look-up, and one range for each that is not empty. What stands below a term
-- is one range for each depth that it reaches; for a glob those that end like it instead, where they are fewer. A
-- budget bounds all of it:
--   candidates  entries looked at
--   units       of work; what counts how much is in tenths of a microsecond on a slow machine

local UNITS_PER_CANDIDATE = 12
local UNITS_PER_RANGE = 15
local UNITS_PER_NODE = 12
local UNITS_PER_TERM = 100
-- So few members are sooner looked at than others counted.
local SHORT_RANGE = 8
-- How many members are read at once: few at first, since the first ones may stop the search.
local SMALLEST_BATCH = 4
local LARGEST_BATCH = 256

-- Calls visit(member) for the members of a lexicographic set that begin with `prefix`, but for those of claims already
-- found. Stops and returns true as soon as visit does, or when the budget is used up.
local function scan(key, prefix, budget, found, visit)
  local min, max = '[' .. prefix, '(' .. after(prefix)
  local batch = SMALLEST_BATCH
  while true do
    local members = redis.call('ZRANGE', key, min, max, 'BYLEX', 'LIMIT', 0, batch)
    for _, member in ipairs(members) do
      if budget.candidates <= 0 or budget.units < 0 then
        budget.exhausted = true
        return true
      end
      budget.candidates = budget.candidates - 1
      budget.units = budget.units - UNITS_PER_CANDIDATE
      local is_found = next(found) and found[member:match('^[^%z]*%z[^%z]*%z[^%z]*%z([^%z]*)')]
      if not is_found and visit(member) then
        return true
      end
    end
    if #members < batch then
      return false
    end
    min = '(' .. members[#members]
    batch = math.min(4 * batch, LARGEST_BATCH)
  end
end

-- The nodes of the touches' places and of the directories above them. Nil and the number of the touch when they are more
-- than the budget allows to look up.
local function find_nodes(touches, budget)
  local nodes, places = {}, {}
  local function want(place)
    if not nodes[place] then
      nodes[place] = 0
      places[#places + 1] = place
      budget.units = budget.units - UNITS_PER_NODE
    end
  end
  for number, touch in ipairs(touches) do
    for _, term in ipairs(touch.terms) do
      want(term.at)
      each_ancestor(term.at, want)
      budget.units = budget.units - UNITS_PER_TERM
      if budget.units < 0 then
        return nil, number
      end
    end
  end
  load_nodes(nodes, places)
  return nodes
end

-- The depths at which anything of a mode and class stands: the least and the greatest, nil where nothing does.
local function depths_of(class, known)
  local depths = known[class]
  if not depths then
    local min, max = '[' .. class, '(' .. after(class)
    local least = redis.call('ZRANGE', ENTRIES, min, max, 'BYLEX', 'LIMIT', 0, 1)[1]
    local greatest = least and redis.call('ZRANGE', ENTRIES, max, min, 'BYLEX', 'REV', 'LIMIT', 0, 1)[1]
    depths = least and { least = least:byte(3) - 32, greatest = greatest:byte(3) - 32 } or {}
    known[class] = depths
  end
  return depths.least, depths.greatest
end

-- The ranges of `entries` in which every entry of a mode and class stands that may overlap the term at or below its
-- place, by what is there.
local function entry_ranges(term, class, node, known)
  local least, greatest = depths_of(class, known)
  if not least then
    return {}
  end
  local depth = depth_at(term.at)
  local first = members_at(node) > 0 and depth or depth + 1
  local last = node >= CHILD and term.kind ~= 'file' and (term.depth or greatest) or depth
  local ranges = {}
  for reached = math.max(first, least), math.min(last, greatest) do
    ranges[#ranges + 1] = class .. depth_byte(reached) .. term.at
  end
  return ranges
end

-- The ranges of `suffixes` in which every file and glob stands whose ending goes together with the term's: those that
-- end in nothing certain, those whose known ending is a part of its own, and those that end like it.
local function suffix_ranges(term, mode, budget)
  local ranges = { mode .. '\0' }
  for length = 1, #term.tail - 1 do
    local part = mode .. term.tail:sub(1, length)
    budget.units = budget.units - UNITS_PER_RANGE
    local first = redis.call('ZRANGE', SUFFIXES, '[' .. part, '(' .. after(part), 'BYLEX', 'LIMIT', 0, 1)[1]
    if not first then
      return ranges
    end
    if first:byte(#part + 1) == 0 then
      ranges[#ranges + 1] = part .. '\0'
    end
  end
  ranges[#ranges + 1] = mode .. term.tail
  return ranges
end

-- How many members the ranges hold together; counted no further than `enough`.
local function count_of(key, ranges, enough, budget)
  local count = 0
  for _, range in ipairs(ranges) do
    if count >= enough then
      break
    end
    budget.units = budget.units - UNITS_PER_RANGE
    count = count + redis.call('ZLEXCOUNT', key, '[' .. range, '(' .. after(range))
  end
  return count
end

-- Those of the ranges that are not empty, and whether few members stand in them all.
local function short_of(key, ranges, budget)
  local filled, count = {}, 0
  for _, range in ipairs(ranges) do
    budget.units = budget.units - UNITS_PER_RANGE
    local members = redis.call('ZRANGE', key, '[' .. range, '(' .. after(range), 'BYLEX', 'LIMIT', 0, SHORT_RANGE + 1)
    if #members > 0 then
      filled[#filled + 1] = range
      count = count + #members
    end
  end
  return filled, count <= SHORT_RANGE
end

-- The set and the ranges in it to look at for what stands at or below a term: those of `entries` or, for files and globs
-- that a glob may meet, those of `suffixes` where they hold less.
local function ranges_of(term, mode, class, node, known, budget)
  local ranges = entry_ranges(term, mode .. class, node, known)
  local key = ENTRIES
  if class == 'o' and term.kind == 'glob' and term.tail ~= '' and #ranges > 0 and node > SHORT_RANGE then
    local alike, few = short_of(SUFFIXES, suffix_ranges(term, mode, budget), budget)
    if not few then
      local count = count_of(SUFFIXES, alike, math.huge, budget)
      few = count_of(ENTRIES, ranges, count + 1, budget) > count
    end
    if few then
      key, ranges = SUFFIXES, alike
    end
  end
  budget.units = budget.units - UNITS_PER_RANGE * #ranges
  return key, ranges
end
