-- Addresses and networks of IPv4 and IPv6, compared bit by bit. Pure.
local byte, char, rep = string.byte, string.char, string.rep

local M = {}

local function parse_v4(text)
  local a, b, c, d = text:match("^(%d%d?%d?)%.(%d%d?%d?)%.(%d%d?%d?)%.(%d%d?%d?)$")
  if not a then
    return nil
  end
  a, b, c, d = tonumber(a), tonumber(b), tonumber(c), tonumber(d)
  if a > 255 or b > 255 or c > 255 or d > 255 then
    return nil
  end
  return char(a, b, c, d)
end

-- Appends the 16-bit groups of "a:b:c" to `bytes`; nil where one is malformed.
local function append_groups(bytes, text)
  if text == "" then
    return true
  end
  for group in (text .. ":"):gmatch("([^:]*):") do
    local v4 = group:find(".", 1, true) and parse_v4(group)
    if v4 then
      bytes[#bytes + 1] = v4
    elseif group:match("^%x%x?%x?%x?$") then
      local value = tonumber(group, 16)
      bytes[#bytes + 1] = char(math.floor(value / 256), value % 256)
    else
      return nil
    end
  end
  return true
end

local function parse_v6(text)
  if not text:find(":", 1, true) then
    return nil
  end
  local head, tail = text:match("^(.-)::(.*)$")
  local left, right = {}, {}
  if not append_groups(left, head or text) or not append_groups(right, tail or "") then
    return nil
  end
  local before, after = table.concat(left), table.concat(right)
  local missing = 16 - #before - #after
  if (head and missing < 2) or (not head and missing ~= 0) then
    return nil
  end
  return before .. rep("\0", missing) .. after
end

-- "10.1.2.3" or "fd00::1" as 4 or 16 bytes; nil for anything else. An IPv4 address inside IPv6 is that IPv4 address.
function M.parse_address(text)
  local bytes = parse_v4(text) or parse_v6(text)
  if bytes and #bytes == 16 and bytes:sub(1, 12) == rep("\0", 10) .. "\255\255" then
    return bytes:sub(13)
  end
  return bytes
end

-- "10.1.0.0/16", or a bare address, as {bytes, bits}; nil for anything else.
function M.parse_network(text)
  local address, bits = text:match("^([^/]+)/(%d%d?%d?)$")
  local bytes = M.parse_address(address or text)
  if not bytes then
    return nil
  end
  bits = bits and tonumber(bits) or #bytes * 8
  if bits > #bytes * 8 then
    return nil
  end
  return { bytes = bytes, bits = bits }
end

-- A list of networks, parsed; nil and the culprit where one is malformed.
function M.parse_list(list)
  local networks = {}
  for _, text in ipairs(list) do
    local network = M.parse_network(text)
    if not network then
      return nil, text
    end
    networks[#networks + 1] = network
  end
  return networks
end

local function contains(network, bytes)
  if #network.bytes ~= #bytes then
    return false
  end
  local whole = math.floor(network.bits / 8)
  if network.bytes:sub(1, whole) ~= bytes:sub(1, whole) then
    return false
  end
  local rest = network.bits % 8
  if rest == 0 then
    return true
  end
  local unit = 2 ^ (8 - rest)
  return math.floor(byte(network.bytes, whole + 1) / unit) == math.floor(byte(bytes, whole + 1) / unit)
end

-- Whether one of `networks` holds the address `text`. A malformed address is in none.
function M.any_contains(networks, text)
  local bytes = M.parse_address(text)
  if bytes then
    for _, network in ipairs(networks) do
      if contains(network, bytes) then
        return true
      end
    end
  end
  return false
end

return M
