-- Ends connections that nginx has no directive to end, by what the kernel knows of them.
local bit = require("bit")
local ffi = require("ffi")
local cidr = require("slipway.cidr")

ffi.cdef([[
  int getpeername(int fd, void *address, unsigned int *length);
  int shutdown(int fd, int how);
]])

local AF_INET, AF_INET6, SHUT_RDWR = 2, 10, 2
-- nginx numbers its descriptors from the lowest free one on: worker_connections, and files.
local MOST_DESCRIPTORS = 16384 + 1024

local address, length = ffi.new("unsigned char[28]"), ffi.new("unsigned int[1]")

local M = {}

local function key(bytes, port)
  return bytes .. string.char(bit.rshift(port, 8), port % 256)
end

-- "10.0.0.1:3000" or "fd00::1:3000" as `key_of_bytes` gives it; nil where it is none of these.
function M.key_of(upstream)
  local host, port = upstream:match("^(.+):(%d%d?%d?%d?%d?)$")
  local bytes = host and cidr.parse_address(host)
  port = tonumber(port)
  return bytes and port <= 65535 and key(bytes, port) or nil
end

-- Address and port of a struct sockaddr; nil where it is none of IP.
function M.key_of_bytes(sockaddr)
  local family, port = sockaddr[0] + sockaddr[1] * 256, sockaddr[2] * 256 + sockaddr[3]
  if family == AF_INET then
    return key(ffi.string(sockaddr + 4, 4), port)
  elseif family == AF_INET6 then
    return key(ffi.string(sockaddr + 8, 16), port)
  end
end

-- Shuts all connections that this nginx worker has to `upstreams` (a list of texts like 10.0.0.1:3000): nginx sees them end
-- as if the containers had closed them, and ends what its clients have there.
function M.shut(upstreams)
  local wanted = {}
  for _, upstream in ipairs(upstreams) do
    wanted[M.key_of(upstream) or ""] = true
  end
  for fd = 0, MOST_DESCRIPTORS do
    length[0] = ffi.sizeof(address)
    if ffi.C.getpeername(fd, address, length) == 0 and wanted[M.key_of_bytes(address)] then
      ffi.C.shutdown(fd, SHUT_RDWR)
    end
  end
end

return M
