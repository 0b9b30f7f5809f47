-- State, leases and claim records. Needs keys.lua and clock.lua.
--
-- A claim's record is JSON: feature, session, token (decimal text), state, acquired (ms) and, but for a held claim,
-- ends (ms): the deadline of a provisional one, the end of the lock-delay of a draining one.

-- The project's state with the time that counts, `now`: the clock's, or the greatest seen when the clock has gone back.
-- Where the clock is too far from the last tick, time stands still, so that nothing expires by a jump of the clock or
-- while no server was there; the next tick finds out and leads to recovery.
local function read_state()
  local fields = redis.call('HMGET', STATE, 'epoch', 'ready', 'server', 'intent', 'seen', 'tick')
  local seen, tick = tonumber(fields[5]) or 0, tonumber(fields[6])
  local time = math.max(clock(), seen)
  return {
    epoch = fields[1],
    ready = fields[2] == '1',
    server = fields[3],
    intent = fields[4],
    clock = time,
    now = tick and math.max(seen, math.min(time, tick + MAX_TICK_GAP_MS)) or time,
  }
end

-- Whole numbers as text; tostring would round long ones.
local function decimal(number)
  return string.format('%.0f', number)
end

local function remember_time(state)
  redis.call('HSET', STATE, 'seen', decimal(state.now))
end

-- Takes the clock's time for the time that counts: somebody has looked after everything that is due until then.
local function tick(state)
  state.now = state.clock
  redis.call('HSET', STATE, 'seen', decimal(state.now), 'tick', decimal(state.now))
end

-- The reply for a caller who may not be served: another epoch, a rebuild that has not finished, or data that another
-- server process wrote (a restart or a failover), of which nobody knows what is missing. Nil when all is well.
local function recovering(state, epoch, server)
  if state.server ~= server then
    return { 'RECOVERING' }
  end
  if state.epoch ~= epoch or not state.ready then
    return { 'RECOVERING', state.epoch }
  end
  return nil
end

-- The end of a session's lease; nil when there is none or it has run out.
local function live_lease(session, now)
  local expire = tonumber(redis.call('ZSCORE', LEASES, session) or nil)
  if expire and expire > now then
    return expire
  end
  return nil
end

-- Renews a lease, never to less than was promised before. Returns its end.
local function renew_lease(session, lease, until_ms)
  local expire = math.max(lease, until_ms)
  redis.call('ZADD', LEASES, decimal(expire), session)
  return expire
end

local function load_claim(claim_id)
  local record = redis.call('HGET', CLAIMS, claim_id)
  if not record then
    return nil
  end
  local claim = cjson.decode(record)
  claim.id = claim_id
  return claim
end

local function save_claim(claim)
  redis.call('HSET', CLAIMS, claim.id, cjson.encode({
    feature = claim.feature,
    session = claim.session,
    token = claim.token,
    state = claim.state,
    acquired = claim.acquired,
    ends = claim.ends,
  }))
end

-- A draining claim whose lock-delay has passed stands in nobody's way any more.
local function is_live(claim, now)
  return claim.state ~= 'draining' or claim.ends > now
end

-- Where a claim stands among those of its feature: in the order of their tokens.
local function feature_member(claim)
  return claim.feature .. '\0' .. ('0'):rep(16 - #claim.token) .. claim.token .. '\0' .. claim.id
end

-- The live claim of a feature with the lowest token, but for those that are passed over; nil when there is none.
local function first_of_feature(feature, now, passes_over)
  local min, max = '[' .. feature .. '\0', '(' .. feature .. '\1'
  local members
  repeat
    members = redis.call('ZRANGE', FEATURES, min, max, 'BYLEX', 'LIMIT', 0, 8)
    for _, member in ipairs(members) do
      local claim = load_claim(member:sub(#feature + 19))
      if is_live(claim, now) and not passes_over(claim) then
        return claim
      end
      min = '(' .. member
    end
  until #members < 8
  return nil
end

-- A claim as replies carry it: id, feature, session, token, state, acquire_ms, expire_ms, session_expired, overdue. Leases
-- are the ends of those that were read already, by session; false for one that there is none of.
local function claim_row(claim, now, leases)
  local expire = claim.ends
  local lapsed = 0
  if claim.state ~= 'draining' then
    local lease = leases and leases[claim.session]
    if not leases then
      lease = redis.call('ZSCORE', LEASES, claim.session)
    end
    expire = tonumber(lease or 0)
    lapsed = expire > now and 0 or 1
  end
  local overdue = claim.state == 'provisional' and claim.ends <= now and 1 or 0
  return {
    claim.id, claim.feature, claim.session, claim.token, claim.state, claim.acquired, expire, lapsed, overdue,
  }
end

-- The ids of a session's claims, draining ones past their time included.
local function claims_of_session(session)
  local members = redis.call('ZRANGE', HOLDINGS, '[' .. session .. '\0', '(' .. session .. '\1', 'BYLEX')
  local ids = {}
  for i, member in ipairs(members) do
    ids[i] = member:sub(#session + 2)
  end
  return ids
end

-- { "ALIVE", expire_ms, row, ... } with the session's live claims.
local function alive(session, expire, now)
  local reply = { 'ALIVE', expire }
  for _, id in ipairs(claims_of_session(session)) do
    local claim = load_claim(id)
    if is_live(claim, now) then
      reply[#reply + 1] = claim_row(claim, now)
    end
  end
  return reply
end
