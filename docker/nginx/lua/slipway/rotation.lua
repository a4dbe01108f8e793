-- Keeps the log of requests bounded: a full one is set aside under a number, and the oldest goes. It is a file, because
-- Docker's own log takes the engine longer for each line than the whole request took nginx.
local ffi = require("ffi")
local process = require("ngx.process")

ffi.cdef("int kill(int pid, int signal);")

local PATH = "/state/log/requests.log"
local FULL_BYTES = 16 * 1024 ^ 2
local SET_ASIDE = 3
local LOOK_SECONDS = 1
local OPEN_LOGS_ANEW = 10 -- SIGUSR1

local M = {}

local function size_bytes()
  local file = io.open(PATH, "r")
  if not file then
    return 0
  end
  local bytes = file:seek("end")
  file:close()
  return bytes
end

-- What is written until nginx has opened the new file still goes to the one that was set aside.
local function rotate_if_full(premature)
  if premature or size_bytes() < FULL_BYTES then
    return
  end
  for number = SET_ASIDE, 2, -1 do
    os.rename(("%s.%d"):format(PATH, number - 1), ("%s.%d"):format(PATH, number))
  end
  os.rename(PATH, PATH .. ".1")
  ffi.C.kill(process.get_master_pid(), OPEN_LOGS_ANEW)
end

-- One nginx worker looks after it.
function M.start()
  if ngx.worker.id() == 0 then
    assert(ngx.timer.every(LOOK_SECONDS, rotate_if_full))
  end
end

return M
