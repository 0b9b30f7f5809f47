-- What the scripts of a rebuild share. Needs claims.lua.

-- Whether the project is being rebuilt under this epoch, server and intent mark.
local function is_rebuilding(state, epoch, server, intent)
  return state.epoch == epoch and state.server == server and state.intent == intent and not state.ready
end
