-- Finds which held entries overlap asked touches. Needs claims.lua, index.lua, overlap.lua and ranges.lua, whose budget
-- counts what is done here, too. What the ranges yield is rejected by its literal beginning and ending first, and
-- compared exactly last.

local UNITS_PER_STEP = 3
local UNITS_PER_REJECT = 10
local UNITS_PER_COMPARISON = 30
local UNITS_PER_COMPILATION = 40
local UNITS_PER_CLAIM = 50

-- How members begin (index.lua).
local SHARED, TREE = ('s'):byte(), ('t'):byte()

local function segments_of(at)
  local segments = {}
  for segment in at:gmatch('([^/]+)/') do
    segments[#segments + 1] = segment
  end
  return segments
end

-- The compiled form of a term or a held entry.
local function alternative_of(term)
  if term.kind == 'glob' then
    return cjson.decode(term.alternative)
  end
  return { segments = segments_of(term.at), tree = term.kind == 'tree' }
end

-- Compiles a term or a held entry, with the least number of names that every match has (`least`) and the greatest
-- (`depth`; nil when that is open). The names of a literal are only taken apart when they are compared.
local function compile(term)
  local least, depth
  if term.kind == 'glob' then
    term.compiled = alternative_of(term)
    least = 0
    for _, segment in ipairs(term.compiled.segments) do
      if segment ~= 0 then
        least = least + 1
      end
    end
    depth = least == #term.compiled.segments and least or nil
  else
    least = depth_at(term.at)
    depth = term.kind == 'file' and least or nil
  end
  term.least, term.depth = least, depth
end

-- Whether two segments at one place are literal and not the same, before any "**".
local function names_differ(a, b)
  for i = 1, #a do
    local x, y = a[i], b[i]
    if x == 0 or y == 0 or y == nil then
      return false
    end
    if x ~= y and type(x) == 'string' and type(y) == 'string' then
      return true
    end
  end
  return false
end

local function one_begins_with_other(a, b)
  if a == '' or b == '' then
    return true
  end
  local length = math.min(#a, #b)
  return a:sub(1, length) == b:sub(1, length)
end

-- An entry by what tells most terms and entries apart: where it stands, how its matches begin and end.
local function entry_of(key, member)
  local of_suffixes = key == SUFFIXES
  local first = of_suffixes and 2 or 4
  local one = member:find('\0', first, true)
  local two = member:find('\0', one + 1, true)
  local three = member:find('\0', two + 1, true)
  local at, tail
  if of_suffixes then
    at, tail = member:sub(two + 1, three - 1), member:sub(first, one - 1)
  else
    at, tail = member:sub(first, one - 1), member:sub(two + 1, three - 1)
  end
  local head = member:sub(one + 1, two - 1)
  return {
    member = member,
    is_tree = not of_suffixes and member:byte(2) == TREE,
    at = at,
    beginning = head == '' and at or at .. head,
    tail = tail,
    rest = three + 1,
  }
end

-- The rest of what an entry stands for; its compiled form comes when it is needed.
local function complete(entry)
  local member, rest = entry.member, entry.rest
  local one = member:find('\0', rest, true)
  local two = member:find('\0', one + 1, true)
  entry.claim = member:sub(rest, one - 1)
  entry.text = member:sub(one + 1, two - 1)
  entry.alternative = member:sub(two + 1)
  entry.kind = entry.is_tree and 'tree' or entry.alternative == '' and 'file' or 'glob'
  entry.mode = member:byte(1) == SHARED and 'shared' or 'exclusive'
end

-- Whether a term and a held entry that stands at, above or below it overlap: true, false, or nil when the budget is
-- used up.
local function overlaps(search, term, held)
  if term.kind ~= 'glob' and held.kind ~= 'glob' then
    -- What stands below a tree is in it, and a file is looked up at its own place only.
    return held.kind == 'tree' or #held.at >= #term.at
  end
  local budget = search.budget
  if not held.least then
    compile(held)
    budget.units = budget.units - UNITS_PER_COMPILATION
  end
  -- Spares many terms from being compiled: each demands the names of its place.
  if held.depth and held.depth < depth_at(term.at) then
    return false
  end
  if not term.least then
    compile(term)
  end
  -- One demands more names than the other can have.
  if term.depth and term.depth < held.least or held.depth and held.depth < term.least then
    return false
  end
  budget.units = budget.units - UNITS_PER_REJECT
  term.compiled = term.compiled or alternative_of(term)
  held.compiled = held.compiled or alternative_of(held)
  if names_differ(term.compiled.segments, held.compiled.segments) then
    return false
  end
  budget.units = budget.units - UNITS_PER_COMPARISON
  local pair = search.pair
  local most = math.max(0, math.min(search.limits.steps_per_pair, math.floor(budget.units / UNITS_PER_STEP)))
  pair.steps = most
  local result = alternative_overlaps(term.compiled, held.compiled, pair)
  budget.units = budget.units - UNITS_PER_STEP * (most - pair.steps)
  if pair.steps < 0 then
    return nil
  end
  return result
end

-- Takes an entry whose beginning and ending go together with the term's. Returns true when the search is to stop.
local function visit(search, term, held)
  if not held.claim then
    complete(held)
  end
  if search.seen[held.claim] then
    return false
  end
  local claim = search.claims[held.claim]
  if not claim then
    claim = load_claim(held.claim)
    search.claims[held.claim] = claim
    search.budget.units = search.budget.units - UNITS_PER_CLAIM
  end
  if not is_live(claim, search.now) or search.passes_over and search.passes_over(claim) then
    return false
  end
  local result = overlaps(search, term, held)
  if result == nil then
    search.budget.exhausted = true
    return true
  end
  if result then
    local text = held.text == '' and held.at:sub(1, -2) or held.text
    search.seen[held.claim] = true
    search.of_touch = search.of_touch + 1
    search.found[#search.found + 1] = { touch = search.touch, text = text, mode = held.mode, claim = claim }
  end
  return search.of_touch >= search.limits.pairs_per_touch or #search.found >= search.limits.pairs
end

-- A range, read and taken to pieces once, however many terms it is looked through for.
local function list_of(search, key, prefix)
  local list = search.lists[key .. prefix]
  if not list then
    list = { range = range_of(key, prefix, search.budget), key = key }
    search.lists[key .. prefix] = list
  end
  return list
end

-- The lists of what stands exactly at a directory or at one above it, of one mode. Found once for each directory.
local function lists_down_to(search, mode, directory)
  local known = search.down_to[mode]
  local lists = known[directory]
  if lists then
    return lists
  end
  local parent = parent_of(directory)
  lists = parent and lists_down_to(search, mode, parent) or {}
  if members_at(search.nodes[directory]) > 0 then
    lists = { unpack(lists) }
    local depth = depth_at(directory)
    for _, class in ipairs({ mode .. 't', mode .. 'o' }) do
      if search.depths[class] and search.depths[class][depth] then
        lists[#lists + 1] = list_of(search, ENTRIES, class .. depth_byte(depth) .. directory .. '\0')
      end
    end
  end
  known[directory] = lists
  return lists
end

-- Visits those members of a list whose beginning and ending go together with the term's; most are told apart here.
-- Returns true when the search is to stop.
local function scan(search, term, list)
  local beginning, tail = term.beginning, term.tail
  local number = 1
  while true do
    local held = list[number]
    if not held then
      for _, member in ipairs(next_batch(list.range, search.budget)) do
        list[#list + 1] = entry_of(list.key, member)
      end
      held = list[number]
    end
    if not held then
      return false
    end
    if not may_look(search.budget) then
      return true
    end
    if one_begins_with_other(tail, held.tail) and one_begins_with_other(beginning, held.beginning) then
      if visit(search, term, held) then
        return true
      end
    end
    number = number + 1
  end
end

-- Visits every entry of one mode that may overlap the term. Returns true when the search is to stop.
local function scan_mode(search, term, mode)
  local parent = parent_of(term.at)
  for _, list in ipairs(parent and lists_down_to(search, mode, parent) or {}) do
    if scan(search, term, list) then
      return true
    end
  end
  local node = search.nodes[term.at]
  if node == 0 then
    return false
  end
  if not term.least then
    compile(term)
  end
  for _, class in ipairs({ 't', 'o' }) do
    local key, prefixes = ranges_below(term, mode, class, node, search.depths, search.budget)
    for _, prefix in ipairs(prefixes) do
      if scan(search, term, list_of(search, key, prefix)) then
        return true
      end
    end
  end
  return false
end

-- Finds the live claims that overlap the touches, each pair of touch and claim once.
--   modes_of(touch)  the modes of held entries that matter to it, such as { 'e', 's' }
--   limits           candidates and units as in ranges.lua, pairs_per_touch, pairs, steps_per_pair
--   passes_over(claim)  whether a claim stands in nobody's way here; nothing is passed over when it is nil
-- Returns a list of { touch = number, text, mode, claim } and the nodes that were looked up, or nil and the number of the
-- touch that used up the budget.
local function find_held(touches, now, modes_of, limits, passes_over)
  local budget = { candidates = limits.candidates, units = limits.units }
  local nodes, too_broad = find_nodes(touches, budget)
  if not nodes then
    return nil, too_broad
  end
  local search = {
    budget = budget,
    nodes = nodes,
    depths = read_depths(),
    now = now,
    limits = limits,
    passes_over = passes_over,
    found = {},
    claims = {},
    lists = {},
    down_to = { e = {}, s = {} },
    pair = {},
  }
  for number, touch in ipairs(touches) do
    search.touch, search.of_touch, search.seen = number, 0, {}
    local modes = modes_of(touch)
    for _, term in ipairs(touch.terms) do
      term.beginning = term.at .. term.head
      for _, mode in ipairs(modes) do
        local is_held = search.depths[mode .. 't'] or search.depths[mode .. 'o']
        if is_held and search.of_touch < limits.pairs_per_touch and #search.found < limits.pairs then
          scan_mode(search, term, mode)
          if budget.exhausted then
            return nil, number
          end
        end
      end
    end
  end
  return search.found, nodes
end

-- The ends of the leases of what was found, by session; false where there is none.
local function leases_of(found)
  local leases, sessions = {}, {}
  for _, pair in ipairs(found) do
    local session = pair.claim.session
    if leases[session] == nil then
      leases[session] = false
      sessions[#sessions + 1] = session
    end
  end
  if #sessions > 0 then
    for i, lease in ipairs(redis.call('ZMSCORE', LEASES, unpack(sessions))) do
      leases[sessions[i]] = lease
    end
  end
  return leases
end

-- The modes of held entries that conflict with a touch: two shared ones get along.
local function conflicting_modes(touch)
  return touch.mode == 'shared' and { 'e' } or { 'e', 's' }
end

-- Held pairs as replies carry them: { row, ... }, { touch, text, mode, row number, ... }, counted from 0.
local function held_reply(found, now)
  local rows, numbers, blocked, leases = {}, {}, {}, leases_of(found)
  for _, pair in ipairs(found) do
    local id = pair.claim.id
    if not numbers[id] then
      numbers[id] = #rows
      rows[#rows + 1] = claim_row(pair.claim, now, leases)
    end
    blocked[#blocked + 1] = pair.touch - 1
    blocked[#blocked + 1] = pair.text
    blocked[#blocked + 1] = pair.mode
    blocked[#blocked + 1] = numbers[id]
  end
  return rows, blocked
end
