-- Finds which held entries overlap asked touches. Needs index.lua, claims.lua and overlap.lua.
--
-- Every entry that can overlap a term stands at a directory above it, or at or below it. So a literal costs one
-- look-up for its ancestors and one range; a glob the same for its literal directory, and where fewer entries share
-- its ending than its directory, that range instead. What the ranges yield is rejected by its literal beginning and
-- ending first, and compared exactly last. The budget bounds all of it:
--   candidates  entries looked at
--   steps       of comparison, and what other work counts as

-- What other work counts as, measured against a step of comparison (about 0.1 microseconds).
local STEPS_PER_ANCESTOR = 12
local STEPS_PER_TERM = 100
local STEPS_PER_RANGE = 15
local STEPS_PER_COMPILATION = 60
-- So few members are sooner looked at than counted elsewhere.
local SHORT_RANGE = 8
-- How many members are read at once: few where most may be leapt over, or the first ones stop the search.
local SMALLEST_BATCH = 4
local LARGEST_BATCH = 256

local function segments_of(at)
  local segments = {}
  for segment in at:gmatch('([^/]+)/') do
    segments[#segments + 1] = segment
  end
  return segments
end

local function alternative_of(term)
  if term.kind == 'glob' then
    return cjson.decode(term.alternative)
  end
  return { segments = segments_of(term.at), tree = term.kind == 'tree' }
end

-- The number of segments that every match of a glob has; nil when a "**" leaves it open.
local function depth_of(alternative)
  if alternative.tree then
    return nil
  end
  for _, segment in ipairs(alternative.segments) do
    if segment == 0 then
      return nil
    end
  end
  return #alternative.segments
end

-- Calls visit(directory) for the root and every directory above `at`.
local function each_ancestor(at, visit)
  if at == '' then
    return
  end
  visit('')
  local slash = at:find('/', 1, true)
  while slash and slash < #at do
    visit(at:sub(1, slash))
    slash = at:find('/', slash + 1, true)
  end
end

local function one_begins_with_other(a, b)
  local length = math.min(#a, #b)
  return a:sub(1, length) == b:sub(1, length)
end

-- The beginning of a member of `prefixes` that stands deeper than `depth` segments, cut there; nil for others.
local function cut_below(member, depth)
  local slash = 2
  for _ = 1, depth do
    slash = member:find('/', slash + 1, true)
    if not slash then
      return nil
    end
  end
  local deeper = member:find('/', slash + 1, true)
  if deeper and deeper < member:find('\0', 1, true) then
    return member:sub(1, slash)
  end
  return nil
end

-- Calls visit(member) for the members of a lexicographic set that begin with `prefix`, leaping over what stands deeper
-- than `depth`. Stops and returns true as soon as visit does, or when the budget is used up.
local function scan(key, prefix, depth, budget, visit)
  local min, max = '[' .. prefix, '(' .. after(prefix)
  local batch = SMALLEST_BATCH
  while true do
    local members = redis.call('ZRANGE', key, min, max, 'BYLEX', 'LIMIT', 0, batch)
    local leap = nil
    for _, member in ipairs(members) do
      if budget.candidates <= 0 then
        budget.exhausted = true
        return true
      end
      budget.candidates = budget.candidates - 1
      leap = depth and cut_below(member, depth)
      if leap then
        break
      end
      if visit(member) then
        return true
      end
    end
    if leap then
      min = '[' .. after(leap)
      batch = SMALLEST_BATCH
    elseif #members < batch then
      return false
    else
      min = '(' .. members[#members]
      batch = math.min(2 * batch, LARGEST_BATCH)
    end
  end
end

-- Which of the directories above the touches have entries: directory -> true. Nil and the number of the touch when
-- they are more than the budget allows to look up.
local function find_ancestors(touches, budget)
  local seen, list, present = {}, {}, {}
  for number, touch in ipairs(touches) do
    for _, term in ipairs(touch.terms) do
      each_ancestor(term.at, function(directory)
        if not seen[directory] then
          seen[directory] = true
          list[#list + 1] = directory
          budget.steps = budget.steps - STEPS_PER_ANCESTOR
        end
      end)
      budget.steps = budget.steps - STEPS_PER_TERM
      if budget.steps < 0 then
        return nil, number
      end
    end
  end
  for first = 1, #list, ARGUMENTS do
    local last = math.min(first + ARGUMENTS - 1, #list)
    local counts = redis.call('HMGET', NODES, unpack(list, first, last))
    for i, count in ipairs(counts) do
      if count then
        present[list[first + i - 1]] = true
      end
    end
  end
  return present
end

-- Whether a term and a held entry that stands at, above or below it overlap: true, false, or nil when the budget is
-- used up. Compiled forms of held entries are kept, since many touches may meet the same ones.
local function overlaps(term, held, compiled, budget)
  if term.kind ~= 'glob' and held.kind ~= 'glob' then
    -- What stands below a tree is in it, and a file is looked up at its own place only.
    return held.kind == 'tree' or #held.at >= #term.at
  end
  term.compiled = term.compiled or alternative_of(term)
  local key = held.kind .. held.at .. held.alternative
  if not compiled[key] then
    compiled[key] = alternative_of(held)
    budget.steps = budget.steps - STEPS_PER_COMPILATION
  end
  return alternatives_overlap({ term.compiled }, { compiled[key] }, budget)
end

-- Whether the beginnings and endings of a term and a held entry let them meet at all.
local function may_meet(term, at, head, tail)
  return one_begins_with_other(term.at .. term.head, at .. head) and one_begins_with_other(term.tail, tail)
end

-- What a member stands for, when the term may meet it; nil otherwise. Most members are told apart here, so it takes as
-- little of them to pieces as it can.
local function meet(term, member, in_suffixes)
  local class, at, head, tail, rest = 'o', nil, nil, nil, nil
  if in_suffixes then
    tail, head, at, rest = member:match('^.([^%z]*)%z([^%z]*)%z([^%z]*)%z()')
  else
    class, at, head, tail, rest = member:match('^.(.)([^%z]*)%z([^%z]*)%z([^%z]*)%z()')
  end
  if not may_meet(term, at, head, tail) then
    return nil
  end
  local claim, text, alternative = member:match('^([^%z]*)%z[^%z]*%z([^%z]*)%z(.*)$', rest)
  local kind = class == 't' and 'tree' or alternative == '' and 'file' or 'glob'
  return { kind = kind, at = at, claim = claim, text = text, alternative = alternative }
end

local function count_of(key, prefix)
  return redis.call('ZLEXCOUNT', key, '[' .. prefix, '(' .. after(prefix))
end

-- The ranges of `suffixes` in which every file and glob stands whose ending goes together with the term's: those that
-- end like it, and those whose known ending is a part of its own.
local function suffix_ranges(term, mode)
  local ranges = { mode .. term.tail }
  for length = 0, #term.tail - 1 do
    ranges[#ranges + 1] = mode .. term.tail:sub(1, length) .. '\0'
  end
  return ranges
end

-- The ranges of `suffixes` to scan instead of the range of `prefixes`, when that is long and they hold less.
local function shorter_ranges(term, mode, prefix, budget)
  if term.kind ~= 'glob' or term.tail == '' then
    return nil
  end
  local count = count_of(PREFIXES, prefix)
  if count <= SHORT_RANGE then
    return nil
  end
  local ranges = suffix_ranges(term, mode)
  budget.steps = budget.steps - STEPS_PER_RANGE * #ranges
  for _, range in ipairs(ranges) do
    count = count - count_of(SUFFIXES, range)
  end
  return count > 0 and ranges or nil
end

-- Calls visit(term, held) for every entry of one mode that may overlap the term. Returns true when stopped.
local function scan_mode(term, mode, present, budget, visit)
  local function visit_prefix(member)
    local held = meet(term, member, false)
    return held and visit(term, held)
  end
  local function visit_suffix(member)
    local held = meet(term, member, true)
    return held and visit(term, held)
  end

  local stopped = false
  each_ancestor(term.at, function(directory)
    if present[directory] and not stopped then
      stopped = scan(PREFIXES, mode .. 't' .. directory .. '\0', nil, budget, visit_prefix)
        or scan(PREFIXES, mode .. 'o' .. directory .. '\0', nil, budget, visit_prefix)
    end
  end)
  local below = term.kind == 'file' and term.at .. '\0' or term.at
  if stopped or scan(PREFIXES, mode .. 't' .. below, term.depth, budget, visit_prefix) then
    return true
  end
  local ranges = shorter_ranges(term, mode, mode .. 'o' .. below, budget)
  if not ranges then
    return scan(PREFIXES, mode .. 'o' .. below, term.depth, budget, visit_prefix)
  end
  for _, range in ipairs(ranges) do
    if scan(SUFFIXES, range, nil, budget, visit_suffix) then
      return true
    end
  end
  return false
end

-- Finds the live claims that overlap the touches, each pair of touch and claim once.
--   modes_of(touch)  the modes of held entries that matter to it, such as { 'e', 's' }
--   limits           candidates and steps as above, pairs_per_touch, pairs
-- Returns a list of { touch = number, text, claim }, or nil and the number of the touch that used up the budget.
local function find_held(touches, now, modes_of, limits)
  local budget = { candidates = limits.candidates, steps = limits.steps }
  local present, too_broad = find_ancestors(touches, budget)
  if not present then
    return nil, too_broad
  end
  local claims, compiled, found = {}, {}, {}
  for number, touch in ipairs(touches) do
    local of_touch, seen = 0, {}
    local function visit(term, held)
      if seen[held.claim] then
        return false
      end
      local claim = claims[held.claim] or load_claim(held.claim)
      claims[held.claim] = claim
      if not is_live(claim, now) then
        return false
      end
      local result = overlaps(term, held, compiled, budget)
      if result == nil then
        budget.exhausted = true
        return true
      end
      if result then
        local text = held.text == '' and held.at:sub(1, -2) or held.text
        seen[held.claim] = true
        of_touch = of_touch + 1
        found[#found + 1] = { touch = number, text = text, claim = claim }
      end
      return of_touch >= limits.pairs_per_touch or #found >= limits.pairs
    end
    for _, term in ipairs(touch.terms) do
      if term.kind == 'glob' then
        term.compiled = alternative_of(term)
        term.depth = depth_of(term.compiled)
      end
      for _, mode in ipairs(modes_of(touch)) do
        if of_touch < limits.pairs_per_touch and #found < limits.pairs then
          scan_mode(term, mode, present, budget, visit)
          if budget.exhausted then
            return nil, number
          end
        end
      end
    end
  end
  return found
end

-- Held pairs as replies carry them: { row, ... }, { touch, text, row number, ... }, counted from 0.
local function held_reply(found, now)
  local rows, numbers, blocked = {}, {}, {}
  for _, pair in ipairs(found) do
    local id = pair.claim.id
    if not numbers[id] then
      numbers[id] = #rows
      rows[#rows + 1] = claim_row(pair.claim, now)
    end
    blocked[#blocked + 1] = pair.touch - 1
    blocked[#blocked + 1] = pair.text
    blocked[#blocked + 1] = numbers[id]
  end
  return rows, blocked
end
